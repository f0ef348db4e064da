// What comes to light of a range after it was erased: chunks that were being stored, and chunks
// that find their place on study time later.
#include <fmt/format.h>

#include <optional>
#include <pqxx/pqxx>

#include "tests/study/range_erasure_fixture.h"

namespace tidemark::study {
namespace {

using absl::StatusCode;
using store::kNsPerS;
using store::kStudyZeroNs;
using support::IsOk;
using support::StatusIs;

class LateRangeTest : public RangeErasureTest {
 protected:
  // Opens a transaction that settles numbers.
  void BeginCommit() {
    commit_.emplace(writer_);
    commit_->exec("lock table stream_state in row exclusive mode");
  }

  pqxx::connection writer_{scene_.database().SuperuserDsn()};
  std::optional<pqxx::work> commit_;
};

// It had begun when the range was erased, did not see that and was not seen.
TEST_F(LateRangeTest, WhatWasBeingStoredIsDestroyedToo) {
  const StreamId stream = Record("motion");
  BeginCommit();
  const v1::Erasure asked = Accept(Request(35, 55));
  int looks = 0;
  while_it_waits_ = [&](absl::Duration) {
    if (!commit_ || ++looks < 3) return;
    AddOne(stream, 20, 40, boot_);
    EXPECT_EQ(Readable(stream).count(20), 0u) << "hidden meanwhile";
    commit_->commit();
    commit_.reset();
  };
  RunAll();
  EXPECT_FALSE(commit_.has_value());
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Get(asked).chunks_destroyed(), 4u);
  EXPECT_EQ(Read(stream).erased, (Numbers{3, 4, 5, 20}));
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
}

// One that begins later knows of the erasure: nobody waits for it.
TEST_F(LateRangeTest, CommitsThatBeginLaterAreNotWaitedFor) {
  Record("motion");
  BeginCommit();
  const v1::Erasure asked = Accept(Request(35, 55));
  pqxx::connection other(scene_.database().SuperuserDsn());
  std::optional<pqxx::work> later;
  while_it_waits_ = [&](absl::Duration) {
    if (later) return;
    later.emplace(other);
    later->exec("lock table stream_state in row exclusive mode");
    commit_->commit();
  };
  ASSERT_THAT(Worker().RunOne(&NeverStopping), IsOk());
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
}

// A worker that cannot wait any longer leaves the rest to the next one.
TEST_F(LateRangeTest, ACommitThatDoesNotEndHoldsTheErasureUpAndNothingIsShown) {
  const StreamId stream = Record("motion");
  BeginCommit();
  const v1::Erasure asked = Accept(Request(35, 55));
  ASSERT_THAT(Worker().RunOne(&NeverStopping), IsOk());
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_STUCK);
  ExpectErased3To5(stream);
  commit_.reset();
  LetWaitingJobsRun();
  RunAll();
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
}

// Before the erasure is done it is destroyed with the rest; afterwards it stays hidden, and goes
// when the range is erased once more.
TEST_F(LateRangeTest, WhatFindsItsPlaceInTheRangeLaterIsNeverShown) {
  const StreamId stream = Record("motion");
  const BootId second = BootId::MakeRandom();
  const BootId third = BootId::MakeRandom();
  AddOne(stream, 20, 0, second);
  AddOne(stream, 30, 0, third);
  const v1::Erasure asked = Accept(Request(35, 55));
  EXPECT_EQ(asked.chunks_destroyed(), 3u);
  scene_.AddClockPair(person_, second, 0, kStudyZeroNs + 40 * kNsPerS);
  RunAll();
  const v1::Erasure done = Get(asked);
  EXPECT_EQ(done.state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(done.chunks_destroyed(), 4u);
  EXPECT_EQ(done.tables(0).rows_left(), 4u);
  EXPECT_EQ(Read(stream).erased, (Numbers{3, 4, 5, 20}));

  scene_.AddClockPair(person_, third, 0, kStudyZeroNs + 40 * kNsPerS);
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 6, 7, 8, 9}));
  EXPECT_EQ(Read(stream).erased, (Numbers{3, 4, 5, 20}));
  const v1::Erasure again = Accept(Request(35, 55));
  EXPECT_EQ(again.chunks_destroyed(), 1u);
  clock_.Advance(absl::Hours(48));
  LetWaitingJobsRun();
  RunAll();
  EXPECT_EQ(Get(again).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Read(stream).erased, (Numbers{3, 4, 5, 20, 30}));
}

TEST_F(LateRangeTest, RangesAreRememberedForWhatArrivesLate) {
  const StreamId stream = Record("motion");
  Accept(Request(35, 55, {stream}));
  Accept(Request(60, 70));
  EXPECT_EQ(Value(fmt::format("select string_agg(stream_id || ' ' || (begin_ns - {0}) / 1000000000 "
                              "|| ' ' || (end_ns - {0}) / 1000000000, '; ' order by begin_ns) from "
                              "erased_range",
                              kStudyZeroNs)),
            fmt::format("{} 35 55; {} 60 70", stream.ToString(), StreamId{}.ToString()));
}

}  // namespace
}  // namespace tidemark::study
