#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/endian.h"
#include "cli/import/import.h"
#include "tests/cli/import/remembering_sink.h"
#include "tests/cli/import/text_file.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::IsOk;
using support::RememberingSink;
using support::StatusIs;
using support::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Header {
  uint16_t format = 1;
  uint16_t channels = 1;
  uint32_t rate_hz = 4;
  uint16_t bits = 16;
};

std::string Wav(const Header& header, const std::vector<int16_t>& values) {
  const auto frame_bytes = static_cast<uint16_t>(header.channels * header.bits / 8);
  std::string body = "WAVEfmt ";
  AppendLe(body, uint32_t{16});
  AppendLe(body, header.format);
  AppendLe(body, header.channels);
  AppendLe(body, header.rate_hz);
  AppendLe(body, header.rate_hz * frame_bytes);
  AppendLe(body, frame_bytes);
  AppendLe(body, header.bits);
  body += "LIST";  // a chunk nobody needs, of odd size and so padded
  AppendLe(body, uint32_t{3});
  body += "abc";
  body.push_back('\0');
  body += "data";
  AppendLe(body, static_cast<uint32_t>(2 * values.size()));
  for (const int16_t value : values) AppendLe(body, value);
  std::string file = "RIFF";
  AppendLe(file, static_cast<uint32_t>(body.size()));
  return file + body;
}

absl::Status Open(const std::string& content) {
  TempFolder folder;
  return ImportWav({folder.Write("a.wav", content)}, {}).status();
}

// Two frames a second apart, the first at `start_ns`.
absl::Status OpenAt(int64_t start_ns) {
  TempFolder folder;
  WavOptions options;
  options.start_ns = start_ns;
  return ImportWav({folder.Write("late.wav", Wav({.rate_hz = 1}, {1, 2}))}, options).status();
}

auto InvalidWav(const char* text) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
}

TEST(WavTest, PlacesFilesAtWholeSecondsAndFillsNothingBetween) {
  TempFolder folder;
  const std::string a = folder.Write("a.wav", Wav({}, {1, 2, 3, 4, 5}));
  const std::string b = folder.Write("b.wav", Wav({}, {-7}));
  WavOptions options;
  options.start_ns = 1000;
  TM_ASSERT_OK_AND_ASSIGN(const Imported imported, ImportWav({a, b}, options));
  RememberingSink sink;
  ASSERT_THAT(imported.recordings[0].play(sink), IsOk());
  const auto& audio = sink.stream("audio");
  EXPECT_THAT(audio.channel<int16_t>(0), ElementsAre(1, 2, 3, 4, 5, -7));
  // 5 frames end in second 2, a second at least is left out: 7 frames that nobody recorded.
  ASSERT_EQ(audio.runs.size(), 3u);
  EXPECT_EQ(audio.runs[0].first_counter, 0u);
  EXPECT_EQ(audio.runs[1].first_counter, 4u);
  EXPECT_EQ(audio.runs[1].stamps.size(), 1u);
  EXPECT_EQ(audio.runs[2].first_counter, 12u);
  EXPECT_EQ(audio.stamps()[5], 1000 + 3'000'000'000);
  EXPECT_EQ(audio.declaration.modality(), v1::MODALITY_AUDIO);
}

TEST(WavTest, SendsAsManySamplesAsTheFilesHaveFrames) {
  TempFolder folder;
  std::vector<std::string> files;
  std::vector<int16_t> values;
  for (const size_t frames : {1, 3, 4, 5, 8, 17}) {
    const std::vector<int16_t> clip(frames, static_cast<int16_t>(frames));
    files.push_back(folder.Write(std::to_string(frames) + ".wav", Wav({}, clip)));
    values.insert(values.end(), clip.begin(), clip.end());
  }
  for (const int64_t gap_s : {0, 1, 3600}) {
    WavOptions options;
    options.gap_s = gap_s;
    options.start_ns = 0;
    RememberingSink sink;
    ASSERT_THAT(ImportWav(files, options)->recordings[0].play(sink), IsOk());
    const auto& audio = sink.stream("audio");
    EXPECT_EQ(audio.channel<int16_t>(0), values) << gap_s;
    // Counter and stamps jump by the same time.
    for (const auto& run : audio.runs) {
      EXPECT_EQ(run.stamps.first_ns(), static_cast<int64_t>(run.first_counter) * 250'000'000);
      EXPECT_EQ(run.stamps.last_ns() - run.stamps.first_ns(),
                static_cast<int64_t>(run.stamps.size() - 1) * 250'000'000);
    }
  }
}

TEST(WavTest, FilesWithoutAGapGoOnWithoutAJump) {
  TempFolder folder;
  const std::string a = folder.Write("a.wav", Wav({}, {1, 2, 3, 4}));
  const std::string b = folder.Write("b.wav", Wav({}, {5}));
  WavOptions options;
  options.gap_s = 0;
  RememberingSink sink;
  ASSERT_THAT(ImportWav({a, b}, options)->recordings[0].play(sink), IsOk());
  ASSERT_EQ(sink.stream("audio").runs.size(), 2u);
  EXPECT_EQ(sink.stream("audio").runs[1].first_counter, 4u);
}

TEST(WavTest, CountsClipsAsLabels) {
  TempFolder folder;
  const std::string a = folder.Write("dog/a.wav", Wav({}, {1}));
  const std::string b = folder.Write("dog/b.wav", Wav({}, {1}));
  const std::string c = folder.Write("rain/c.wav", Wav({}, {1}));
  EXPECT_THAT(ImportWav({a, b, c}, {})->notes,
              ElementsAre("3 labels (one per clip, its folder) were found and not taken"));
  EXPECT_THAT(ImportWav({a, b}, {})->notes,
              ElementsAre("2 labels (one per clip, in its name) were found and not taken"));
  EXPECT_THAT(ImportWav({a}, {})->notes,
              ElementsAre("1 label (one per clip, in its name) was found and not taken"));
}

TEST(WavTest, StampsFollowTheRateWithoutDrift) {
  TempFolder folder;
  const std::string a =
      folder.Write("a.wav", Wav({.rate_hz = 44'100}, std::vector<int16_t>(44'100 * 3 + 17, 5)));
  WavOptions options;
  options.start_ns = 0;
  RememberingSink sink;
  ASSERT_THAT(ImportWav({a}, options)->recordings[0].play(sink), IsOk());
  for (const auto& run : sink.stream("audio").runs) {
    const auto first = static_cast<int64_t>(run.first_counter);
    const auto last = first + static_cast<int64_t>(run.stamps.size()) - 1;
    EXPECT_EQ(run.stamps.first_ns(), first * 1'000'000'000 / 44'100);
    EXPECT_EQ(run.stamps.last_ns(), last * 1'000'000'000 / 44'100);
  }
  EXPECT_EQ(sink.stream("audio").samples(), 44'100u * 3 + 17);
}

TEST(WavTest, SeparatesStereo) {
  TempFolder folder;
  const std::string a = folder.Write("a.wav", Wav({.channels = 2}, {1, -1, 2, -2, 3, -3}));
  RememberingSink sink;
  ASSERT_THAT(ImportWav({a}, {})->recordings[0].play(sink), IsOk());
  EXPECT_THAT(sink.stream("audio").channel<int16_t>(0), ElementsAre(1, 2, 3));
  EXPECT_THAT(sink.stream("audio").channel<int16_t>(1), ElementsAre(-1, -2, -3));
}

TEST(WavTest, RefusesOtherFormats) {
  EXPECT_THAT(Open(Wav({.format = 3}, {1})), InvalidWav("format 3, not PCM"));
  EXPECT_THAT(Open(Wav({.bits = 24}, {1})), InvalidWav("24 bits per sample, not 16"));
  EXPECT_THAT(Open(Wav({.bits = 32}, {1})), InvalidWav("32 bits per sample, not 16"));
  EXPECT_THAT(Open(Wav({.channels = 6}, {1})), InvalidWav("6 channels"));
  EXPECT_THAT(Open(Wav({.rate_hz = 0}, {1})), InvalidWav("rate of 0 Hz"));
  EXPECT_THAT(Open(Wav({}, {})), InvalidWav("no samples"));
  EXPECT_THAT(Open(Wav({.channels = 2}, {1, 2, 3})), InvalidWav("within a frame"));
  EXPECT_THAT(Open("RIFX" + Wav({}, {1}).substr(4)), InvalidWav("no RIFF WAVE"));
}

TEST(WavTest, RefusesEveryTruncation) {
  const std::string whole = Wav({}, {1, 2, 3});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Open(whole.substr(0, size)), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
  EXPECT_THAT(Open(whole.substr(0, whole.size() - 1)), InvalidWav("is truncated: says 6 bytes"));
}

TEST(WavTest, BelievesNoSize) {
  std::string hostile = Wav({}, {1, 2, 3});
  const size_t list = hostile.find("LIST");
  hostile.replace(list + 4, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_THAT(Open(hostile), InvalidWav("longer than the file"));
  std::string early = Wav({}, {1});
  early.replace(early.find("fmt "), 4, "xxxx");
  EXPECT_THAT(Open(early), InvalidWav("data before its format"));
}

TEST(WavTest, JoinedFilesMustBeAlike) {
  TempFolder folder;
  const std::string a = folder.Write("a.wav", Wav({}, {1}));
  const std::string b = folder.Write("b.wav", Wav({.rate_hz = 8}, {1}));
  EXPECT_THAT(ImportWav({a, b}, {}), InvalidWav("another rate"));
  EXPECT_THAT(ImportWav({}, {}), InvalidWav("no WAV file"));
  EXPECT_THAT(ImportWav({folder.path("none.wav")}, {}), StatusIs(absl::StatusCode::kNotFound));
}

TEST(WavTest, AnEndThatNoStampCanNameIsNamedWithItsFile) {
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(OpenAt(kLast - 1'000'000'000), IsOk());
  EXPECT_THAT(OpenAt(kLast - 999'999'999),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::AllOf(HasSubstr("late.wav: "), HasSubstr("2262"))));
  EXPECT_THAT(OpenAt(kLast), InvalidWav("--start-ns"));
  EXPECT_THAT(OpenAt(std::numeric_limits<int64_t>::min()), IsOk());
}

}  // namespace
}  // namespace tidemark::cli
