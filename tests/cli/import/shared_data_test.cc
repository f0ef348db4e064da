// The real recordings that development machines keep beside the project.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "cli/import/import.h"
#include "cli/import/wav_file.h"
#include "tests/cli/import/remembering_sink.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::IsOk;
using support::RememberingSink;
using ::testing::Contains;
using ::testing::HasSubstr;

// What the headers of all WAV files below `dir` say.
uint64_t FramesOf(const std::string& dir) {
  uint64_t frames = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (entry.path().extension() != ".wav") continue;
    const auto wav = OpenWav(entry.path().string());
    EXPECT_THAT(wav, IsOk()) << entry.path();
    if (wav.ok()) frames += wav->frames;
  }
  return frames;
}

class SharedDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* source = std::getenv("TIDEMARK_SOURCE_DIR");
    dir_ = std::string(source == nullptr ? "." : source) + "/../shared/data";
    if (!std::filesystem::is_directory(dir_)) {
      GTEST_SKIP() << "the real recordings are not on this machine (no folder " << dir_ << ")";
    }
  }
  std::string dir_;
};

TEST_F(SharedDataTest, EverySampleOfEveryDeviceIsThere) {
  TM_ASSERT_OK_AND_ASSIGN(const Imported imported, DiscoverSharedData(dir_));
  EXPECT_EQ(imported.recordings.size(), 12u * 2 + 3 + 2);
  std::map<std::string, size_t> samples;
  for (const auto& recording : imported.recordings) {
    RememberingSink sink;
    ASSERT_THAT(recording.play(sink), IsOk()) << recording.description;
    for (const auto& stream : sink.streams) {
      samples[recording.device_name + "/" + stream.name] += stream.samples();
      for (const auto& run : stream.runs) {
        ASSERT_LE(run.stamps.size(), 65'536u);
        ASSERT_LE(run.values.size(), 1'000'000u);
      }
    }
  }
  EXPECT_EQ(samples["watch/acc"], 135'894u);
  EXPECT_EQ(samples["watch/gyro"], 135'894u);
  EXPECT_EQ(samples["phone/acc"], 134'496u);
  EXPECT_EQ(samples["e4/bvp"], 208'703u + 228'173 + 211'915);
  EXPECT_EQ(samples["e4/acc"], 104'310u + 114'054 + 105'960);
  EXPECT_EQ(samples["e4/hr"], 3'250u + 3'555 + 3'302);
  EXPECT_EQ(samples["e4/ibi"], 1'260u + 360 + 420);
  EXPECT_EQ(samples["phone/audio"], FramesOf(dir_ + "/audio-events"));
  EXPECT_EQ(samples["phone/audio"], 4'851'968u);
  EXPECT_EQ(samples["recorder/audio"], FramesOf(dir_ + "/spoken-digits"));
  EXPECT_EQ(samples["recorder/audio"], 339'778u);
}

TEST_F(SharedDataTest, SaysWhatWasNotTaken) {
  TM_ASSERT_OK_AND_ASSIGN(const Imported imported, DiscoverSharedData(dir_));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("270,390 labels (one per sample, ")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("S17: 7 tags")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("audio-events: 22 labels (one per clip, its")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("spoken-digits: 100 labels (one per clip, in")));
}

TEST_F(SharedDataTest, PlayingTwiceGivesTheSameBytes) {
  TM_ASSERT_OK_AND_ASSIGN(const Imported first, DiscoverSharedData(dir_));
  TM_ASSERT_OK_AND_ASSIGN(const Imported second, DiscoverSharedData(dir_));
  for (const size_t i : {size_t{0}, size_t{1}, size_t{24}, first.recordings.size() - 1}) {
    RememberingSink a, b;
    ASSERT_THAT(first.recordings[i].play(a), IsOk());
    ASSERT_THAT(second.recordings[i].play(b), IsOk());
    EXPECT_EQ(a.log, b.log);
  }
}

}  // namespace
}  // namespace tidemark::cli
