#include "store/signal_reader.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using support::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

const absl::Time kNoDeadline = absl::InfiniteFuture();
constexpr int64_t kStudyZeroNs = 1'790'000'000 * kNsPerS;
constexpr int64_t kJoinNs = 10 * kNsPerS;

class SignalCoverageTest : public testing::Test {
 protected:
  std::vector<StreamCoverage> Coverage(std::optional<signal::TimeRange> range = std::nullopt,
                                       int64_t join_gap_ns = kJoinNs) {
    auto coverage =
        scene_.reader().GetCoverage({person_.participant_id, range, join_gap_ns}, kNoDeadline);
    EXPECT_THAT(coverage, IsOk());
    return coverage.ok() ? *std::move(coverage) : std::vector<StreamCoverage>();
  }
  // One second at 10 Hz, device seconds [begin_s, begin_s + 0.9].
  StoredChunk Second(int64_t number, BootId boot, int64_t begin_s) {
    StoredChunk chunk;
    chunk.number = number;
    chunk.boot_id = boot;
    chunk.stamps = RegularAt(begin_s * kNsPerS, 10, 10);
    chunk.values = Int16Values(1, 10, [](size_t, size_t i) { return i; });
    return chunk;
  }
  static signal::TimeRange Study(int64_t begin_ms, int64_t end_ms) {
    return {kStudyZeroNs + begin_ms * 1'000'000, kStudyZeroNs + end_ms * 1'000'000 + 1};
  }

  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPerson();
  const BootId boot_ = BootId::MakeRandom();
};

TEST_F(SignalCoverageTest, JoinsShortGapsAndKeepsLongOnes) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(
      person_, stream,
      {Second(0, boot_, 0), Second(1, boot_, 5), Second(2, boot_, 30), Second(3, boot_, 31)});
  auto coverage = Coverage();
  ASSERT_EQ(coverage.size(), 1u);
  EXPECT_THAT(coverage[0].ranges, ElementsAre(Study(0, 5'900), Study(30'000, 31'900)));
  EXPECT_FALSE(coverage[0].truncated);
  EXPECT_EQ(coverage[0].stream->name, "acc");
  EXPECT_THAT(Coverage(std::nullopt, 1)[0].ranges,
              ElementsAre(Study(0, 900), Study(5'000, 5'900), Study(30'000, 30'900),
                          Study(31'000, 31'900)));
  EXPECT_THAT(Coverage(std::nullopt, 60 * kNsPerS)[0].ranges, ElementsAre(Study(0, 31'900)));
}

TEST_F(SignalCoverageTest, CountsOverAllTimeAndCutsToTheRange) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  const auto rows = scene_.AddSegment(
      person_, stream, {Second(0, boot_, 0), Second(1, boot_, 100), Second(2, boot_, 200)});
  const signal::TimeRange range{kStudyZeroNs + 100'500'000'000, kStudyZeroNs + 150 * kNsPerS};
  const auto coverage = Coverage(range);
  ASSERT_EQ(coverage.size(), 1u);
  EXPECT_THAT(coverage[0].ranges,
              ElementsAre(signal::TimeRange{range.begin_ns, kStudyZeroNs + 100'900'000'001}));
  EXPECT_EQ(coverage[0].chunks, 3);
  EXPECT_EQ(coverage[0].samples, 30);
  EXPECT_EQ(coverage[0].body_bytes,
            int64_t{rows[0].body_bytes} + rows[1].body_bytes + rows[2].body_bytes);
  EXPECT_EQ(coverage[0].unplaced_chunks, 0);
  EXPECT_EQ(coverage[0].last_arrival_us, 1'795'348'801'000'000);
  EXPECT_EQ(std::to_string(coverage[0].stored_bytes),
            scene_.database().QueryValue(
                "select sum(length(payload) + length(tiles)) from segment where stream_id = '" +
                stream.ToString() + "'"));
}

TEST_F(SignalCoverageTest, JoinsBootsOnStudyTimeAndCountsWhatHasNoPlace) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  const BootId later = BootId::MakeRandom();
  const BootId unplaced = BootId::MakeRandom();
  scene_.AddSegment(person_, stream, {Second(0, boot_, 1'000)});
  scene_.AddSegment(person_, stream, {Second(1, later, 0)});
  scene_.AddSegment(person_, stream, {Second(2, unplaced, 0), Second(3, unplaced, 1)});
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs - 1'000 * kNsPerS);
  scene_.AddClockPair(person_, later, 0, kStudyZeroNs + 3 * kNsPerS);
  const auto coverage = Coverage();
  EXPECT_THAT(coverage[0].ranges, ElementsAre(Study(0, 3'900)));
  EXPECT_EQ(coverage[0].chunks, 4);
  EXPECT_EQ(coverage[0].unplaced_chunks, 2);
}

TEST_F(SignalCoverageTest, ListsStreamsWithoutAnything) {
  scene_.Declare(person_, "acc", Int16Channels(1, 10));
  const auto coverage = Coverage();
  ASSERT_EQ(coverage.size(), 1u);
  EXPECT_THAT(coverage[0].ranges, IsEmpty());
  EXPECT_EQ(coverage[0].chunks, 0);
  EXPECT_FALSE(coverage[0].last_arrival_us.has_value());
}

TEST_F(SignalCoverageTest, StampsAtTheEndsOfTheClockDoNotOverflow) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 0));
  scene_.AddClockPair(person_, boot_, 0, 0);
  StoredChunk chunk;
  chunk.boot_id = boot_;
  chunk.values = Int16Values(1, 1, [](size_t, size_t) { return 1; });
  for (const int64_t stamp : {INT64_MIN, INT64_MIN + 1, int64_t{0}, INT64_MAX}) {
    chunk.stamps = signal::Stamps::Exact({stamp});
    scene_.AddSegment(person_, stream, {chunk});
    ++chunk.number;
  }
  const auto coverage = Coverage();
  EXPECT_EQ(coverage[0].chunks, 4);
  // The last nanosecond there is has no end: it cannot be part of a half-open range.
  EXPECT_THAT(coverage[0].ranges,
              ElementsAre(signal::TimeRange{INT64_MIN, INT64_MIN + 2}, signal::TimeRange{0, 1}));
}

TEST_F(SignalCoverageTest, ManyRangesAreCutAndSaidToBe) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0)});
  scene_.database().Execute(
      "insert into chunk select participant_id, stream_id, writer_id, n, study_id, device_id,"
      " sha256, stream_version, kind, boot_id, clock_id, n * 10, sample_count, body_bytes, flags,"
      " outlier_stamps, t_min_ns + n * 60000000000, t_max_ns + n * 60000000000, segment_id, 0,"
      " arrived_at from chunk, generate_series(1, 10000) n where stream_id = '" +
      stream.ToString() + "'");
  const auto coverage = Coverage();
  EXPECT_EQ(coverage[0].chunks, 10'001);
  EXPECT_EQ(coverage[0].ranges.size(), kCoverageRangesMax);
  EXPECT_TRUE(coverage[0].truncated);
  EXPECT_EQ(coverage[0].ranges[9'999], Study(9'999 * 60'000, 9'999 * 60'000 + 900));
}

}  // namespace
}  // namespace tidemark::store
