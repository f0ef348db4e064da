#include <fmt/format.h>

#include "absl/time/clock.h"
#include "store/signal_reader.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using support::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kJoinNs = 10 * kNsPerS;

class SignalCoverageTest : public testing::Test {
 protected:
  std::vector<StreamCoverage> Coverage(std::optional<signal::TimeRange> range = std::nullopt,
                                       int64_t join_gap_ns = kJoinNs) {
    auto coverage =
        scene_.reader().GetCoverage({person_.participant_id, range, join_gap_ns, {}}, kNoDeadline);
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
  EXPECT_EQ(coverage[0].joined_gap_ns, kJoinNs);
  EXPECT_EQ(coverage[0].stream->name, "acc");
  EXPECT_THAT(Coverage(std::nullopt, 1)[0].ranges,
              ElementsAre(Study(0, 900), Study(5'000, 5'900), Study(30'000, 30'900),
                          Study(31'000, 31'900)));
  EXPECT_THAT(Coverage(std::nullopt, 60 * kNsPerS)[0].ranges, ElementsAre(Study(0, 31'900)));
}

TEST_F(SignalCoverageTest, CountsWhatOverlapsAndCutsToTheRange) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  const auto rows = scene_.AddSegment(
      person_, stream, {Second(0, boot_, 0), Second(1, boot_, 100), Second(2, boot_, 200)});
  const signal::TimeRange range{kStudyZeroNs + 100'500'000'000, kStudyZeroNs + 150 * kNsPerS};
  const auto coverage = Coverage(range);
  ASSERT_EQ(coverage.size(), 1u);
  EXPECT_THAT(coverage[0].ranges,
              ElementsAre(signal::TimeRange{range.begin_ns, kStudyZeroNs + 100'900'000'001}));
  EXPECT_EQ(coverage[0].chunks, 1);
  EXPECT_EQ(coverage[0].samples, 10);
  EXPECT_EQ(coverage[0].body_bytes, rows[1].body_bytes);
  EXPECT_EQ(Coverage()[0].body_bytes,
            int64_t{rows[0].body_bytes} + rows[1].body_bytes + rows[2].body_bytes);
  EXPECT_EQ(coverage[0].unplaced_chunks, 0);
  EXPECT_EQ(coverage[0].last_arrival_us, 1'795'348'801'000'000);
  EXPECT_EQ(coverage[0].stored_bytes, 0);
  EXPECT_EQ(std::to_string(Coverage()[0].stored_bytes),
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
  const auto ranged = Coverage(Study(0, 1'000));
  EXPECT_EQ(ranged[0].chunks, 1);
  EXPECT_EQ(ranged[0].unplaced_chunks, 2);
}

TEST_F(SignalCoverageTest, ErasedDataIsToldApartByTheKeyOfItsSegment) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  const StreamId other = scene_.Declare(person_, "gyro", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0), Second(1, boot_, 1)});
  const auto rows = scene_.AddSegment(person_, stream, {Second(2, boot_, 2), Second(3, boot_, 3)});
  scene_.AddSegment(person_, other, {Second(0, boot_, 0)});
  // Sealed by a key of another day, which was destroyed.
  ASSERT_THAT(scene_.keys().DestroyDataKey(person_.participant_id, {stream, 0x4E07, 0}), IsOk());
  scene_.database().Execute(
      "update segment set payload = set_byte(payload, 2, 7)"
      " where segment_id = '" +
      rows[0].segment_id.ToString() + "'");
  const auto coverage = Coverage();
  ASSERT_EQ(coverage.size(), 2u);
  EXPECT_THAT(coverage[0].ranges, ElementsAre(Study(0, 1'900)));
  EXPECT_THAT(coverage[0].unreadable,
              ElementsAre(UnreadableRange{Study(2'000, 3'900), UnreadableReason::kErased}));
  EXPECT_EQ(coverage[0].chunks, 4);
  EXPECT_EQ(coverage[0].unreadable_chunks, 2);
  EXPECT_THAT(coverage[1].unreadable, IsEmpty());
  EXPECT_EQ(coverage[1].unreadable_chunks, 0);
}

TEST_F(SignalCoverageTest, OnlyTheStreamsAskedFor) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.Declare(person_, "gyro", Int16Channels(1, 10));
  const auto some = scene_.reader().GetCoverage(
      {person_.participant_id, std::nullopt, kJoinNs, {stream, stream}}, kNoDeadline);
  ASSERT_THAT(some, IsOk());
  ASSERT_EQ(some->size(), 1u);
  EXPECT_EQ((*some)[0].stream->stream_id, stream);
  EXPECT_THAT(
      scene_.reader().GetCoverage(
          {person_.participant_id, std::nullopt, kJoinNs, {StreamId::MakeV7()}}, kNoDeadline),
      support::StatusIs(absl::StatusCode::kNotFound));
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

class ManyChunksTest : public SignalCoverageTest {
 protected:
  // Copies of the stream's one chunk, the n-th `step_ns` * n later.
  void Repeat(StreamId stream, int copies, int64_t step_ns) {
    scene_.database().Execute(fmt::format(
        "insert into chunk select participant_id, stream_id, writer_id, n, study_id, device_id,"
        " sha256, stream_version, kind, boot_id, clock_id, n * 10, sample_count, body_bytes, flags,"
        " outlier_stamps, t_min_ns + n * {0}, t_max_ns + n * {0}, segment_id, 0, arrived_at"
        " from chunk, generate_series(1::bigint, {1}) n where stream_id = '{2}'",
        step_ns, copies, stream.ToString()));
  }
};

// As 17 chunks of records declare them, of 4,096 boots each; none but one has samples.
TEST_F(SignalCoverageTest, BootsOfTheDeviceDoNotHinderAnybody) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.database().Execute(fmt::format(
      "insert into clock_pair select '{0}', '{0}', '{0}', n / 4096, n % 4096, '{1}', '{2}',"
      " gen_random_uuid(), 0, true, 0, 0, n, 0 from generate_series(0, 17 * 4096 - 1) n",
      person_.participant_id.ToString(), person_.study_id.ToString(),
      person_.device_id.ToString()));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0)});
  const auto coverage = Coverage();
  EXPECT_THAT(coverage[0].ranges, ElementsAre(Study(0, 900)));
  EXPECT_THAT(Coverage(Study(0, 100))[0].ranges, ElementsAre(Study(0, 100)));

  TM_ASSERT_OK_AND_ASSIGN(const auto overview,
                          scene_.reader().GetOverview(
                              {person_.participant_id, stream, Study(0, 1'000), 10}, kNoDeadline));
  EXPECT_EQ(overview.placements.size(), 1u);
  for (const ReadRange& range :
       {ReadRange(StudyRange{Study(0, 1'000)}), ReadRange(EverythingRange{})}) {
    TM_ASSERT_OK_AND_ASSIGN(const auto reading,
                            scene_.reader().OpenSamples(
                                {person_.participant_id, stream, range, {}, false}, kNoDeadline));
    uint32_t samples = 0;
    const auto block = [&](const ReadBlock& given) {
      EXPECT_EQ(given.placement == nullptr ? 0 : given.placement->anchor_study_ns, kStudyZeroNs);
      samples += given.count;
      return absl::OkStatus();
    };
    const auto unreadable = [](const UnreadablePiece&) { return absl::OkStatus(); };
    absl::StatusOr<bool> more = true;
    while (more.ok() && *more) more = reading->Next({block, unreadable});
    EXPECT_THAT(more, IsOk());
    EXPECT_EQ(samples, 10u);
  }
}

// More boots with chunks than a page of them holds.
TEST_F(SignalCoverageTest, BootsOfAStreamComeInPages) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0)});
  scene_.database().Execute(
      "insert into chunk select participant_id, stream_id, writer_id, n, study_id, device_id,"
      " sha256, stream_version, kind, gen_random_uuid(), n % 3, n * 10, sample_count, body_bytes,"
      " flags, outlier_stamps, t_min_ns, t_max_ns, segment_id, 0, arrived_at"
      " from chunk, generate_series(1, 2500) n");
  scene_.database().Execute(fmt::format(
      "insert into clock_pair select participant_id, stream_id, writer_id, number, 0, study_id,"
      " device_id, boot_id, clock_id, false, 0, 0, {} + number * {}, 0 from chunk",
      kStudyZeroNs, 60 * kNsPerS));
  const auto coverage = Coverage();
  EXPECT_EQ(coverage[0].chunks, 2'501);
  EXPECT_EQ(coverage[0].unplaced_chunks, 0);
  ASSERT_EQ(coverage[0].ranges.size(), 2'501u);
  EXPECT_EQ(coverage[0].ranges[2'500], Study(2'500 * 60'000, 2'500 * 60'000 + 900));
  EXPECT_EQ(Coverage(Study(60'000, 180'000))[0].chunks, 3);
}

TEST_F(SignalCoverageTest, AMissingKeyIsNoErasure) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0)});
  scene_.LoseKeys(person_);
  const auto coverage =
      scene_.reader().GetCoverage({person_.participant_id, std::nullopt, kJoinNs, {}}, kNoDeadline);
  EXPECT_THAT(coverage, support::StatusIs(absl::StatusCode::kDataLoss,
                                          testing::HasSubstr("never destroyed")));
}

TEST_F(ManyChunksTest, ManyRangesAreJoinedAndReachToTheLast) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0)});
  Repeat(stream, 12'000, 60 * kNsPerS);
  const auto coverage = Coverage();
  EXPECT_EQ(coverage[0].chunks, 12'001);
  ASSERT_EQ(coverage[0].ranges.size(), kCoverageRangesMax);
  EXPECT_EQ(coverage[0].ranges[0], Study(0, 900));
  EXPECT_EQ(coverage[0].ranges.back().end_ns, Study(0, 12'000 * 60'000 + 900).end_ns);
  EXPECT_EQ(coverage[0].joined_gap_ns, 59'100 * int64_t{1'000'000} - 1);
}

TEST_F(ManyChunksTest, PagesJoinAsIfTheyWereOne) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0)});
  // Chunks of 900 ms every 500 ms, over several pages; then 100 that begin together.
  Repeat(stream, 20'000, kNsPerS / 2);
  scene_.database().Execute("update chunk set t_min_ns = 0 where number between 1 and 100");
  const auto coverage = Coverage(std::nullopt, 1);
  EXPECT_THAT(coverage[0].ranges, ElementsAre(Study(0, 10'000'900)));
  EXPECT_EQ(coverage[0].chunks, 20'001);
  EXPECT_EQ(coverage[0].samples, 200'010);
}

TEST_F(ManyChunksTest, ARangeCostsWhatItHolds) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddSegment(person_, stream, {Second(0, boot_, 0)});
  Repeat(stream, 100'000, 10 * kNsPerS);
  scene_.database().Execute("analyze chunk");
  const auto timed = [&](std::optional<signal::TimeRange> range) {
    const absl::Time begin = absl::Now();
    const auto coverage = Coverage(range);
    return std::pair(coverage[0].chunks, absl::Now() - begin);
  };
  const auto [all, all_took] = timed(std::nullopt);
  const auto [some, some_took] = timed(Study(500'000'000, 500'060'000));
  EXPECT_EQ(all, 100'001);
  EXPECT_EQ(some, 7);
  EXPECT_LT(some_took * 5, all_took);
  RecordProperty("all_ms", static_cast<int>(absl::ToInt64Milliseconds(all_took)));
  RecordProperty("range_us", static_cast<int>(absl::ToInt64Microseconds(some_took)));
}

}  // namespace
}  // namespace tidemark::store
