#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/consent_book.h"
#include "store/sql.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using support::IsOk;

constexpr v1::DataKind kSound = v1::DATA_KIND_AUDIO;

class ConsentBookTest : public testing::Test {
 protected:
  db::Pool Pool(const char* role) const {
    return db::Pool({.dsn = scene_.database().Dsn(role),
                     .connections_max = 2,
                     .statements = {sql::kAllStatements}});
  }
  bool IsGranted(ConsentBook& book) const {
    const auto timeline = book.Find(person_.participant_id, kNoDeadline);
    EXPECT_THAT(timeline, IsOk());
    return timeline.ok() && *timeline != nullptr && !(*timeline)->Granted(kSound).IsNever();
  }

  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPersonWithoutConsent();
  ManualClock clock_{absl::FromUnixSeconds(1'800'000'000)};
};

// Both roles that judge may read decisions, and each sees one participant's alone.
TEST_F(ConsentBookTest, FindsTheDecisionsOfOneParticipant) {
  const SignalScene::Person other = scene_.AddPersonWithoutConsent();
  scene_.RecordConsent(person_, kSound, true, 5, 10);
  scene_.RecordConsent(person_, kSound, false, 7);
  for (const char* role : {"tm_ingest", "tm_read"}) {
    db::Pool pool = Pool(role);
    ConsentBook book(&pool, &clock_);
    const auto timeline = book.Find(person_.participant_id, kNoDeadline);
    ASSERT_THAT(timeline, IsOk());
    const signal::TimeRange expected{5, 7};
    EXPECT_EQ((*timeline)->Granted(kSound), ConsentTimes(std::span(&expected, 1)));
    const auto of_other = book.Find(other.participant_id, kNoDeadline);
    ASSERT_THAT(of_other, IsOk());
    ASSERT_NE(*of_other, nullptr);
    EXPECT_FALSE((*of_other)->IsAnyDecided());
  }
}

// Somebody of whom something was erased and nothing decided is still awaited.
TEST_F(ConsentBookTest, KnowsWhatWasErased) {
  const SignalScene::Person other = scene_.AddPersonWithoutConsent();
  const StreamId stream = StreamId::MakeV7();
  scene_.EraseRange(person_, stream, {5, 10});
  scene_.EraseRange(person_, {}, {20, 30});
  for (const char* role : {"tm_ingest", "tm_read"}) {
    db::Pool pool = Pool(role);
    ConsentBook book(&pool, &clock_);
    const auto timeline = book.Find(person_.participant_id, kNoDeadline);
    ASSERT_THAT(timeline, IsOk());
    EXPECT_EQ((*timeline)->erased_ranges(), 2);
    EXPECT_FALSE((*timeline)->IsAnyDecided());
    EXPECT_TRUE((*timeline)->ErasedOf(stream).Contains(9));
    EXPECT_FALSE((*timeline)->ErasedOf(StreamId::MakeV7()).Contains(9));
    EXPECT_TRUE((*timeline)->ErasedOf(StreamId::MakeV7()).Contains(20));
    const auto of_other = book.Find(other.participant_id, kNoDeadline);
    ASSERT_THAT(of_other, IsOk());
    EXPECT_EQ((*of_other)->erased_ranges(), 0);
  }
}

TEST_F(ConsentBookTest, SomebodyWhoIsNotThereHasNoTimeline) {
  db::Pool pool = Pool("tm_ingest");
  ConsentBook book(&pool, &clock_);
  const auto timeline = book.Find(ParticipantId::MakeV7(), kNoDeadline);
  ASSERT_THAT(timeline, IsOk());
  EXPECT_EQ(*timeline, nullptr);
}

// What a recorded decision means for promises: half of the 10 s are left for the question itself.
TEST_F(ConsentBookTest, ADecisionHoldsWhenFiveSecondsHavePassed) {
  static_assert(kConsentFreshFor <= absl::Seconds(5));
  db::Pool pool = Pool("tm_ingest");
  ConsentBook book(&pool, &clock_);
  scene_.RecordConsent(person_, kSound, false, 0);
  EXPECT_FALSE(IsGranted(book));
  scene_.RecordConsent(person_, kSound, true, 0);
  clock_.Advance(absl::Milliseconds(4'999));
  EXPECT_FALSE(IsGranted(book));
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(IsGranted(book));
}

// A device that is told to wait waits for a quarter of an hour.
TEST_F(ConsentBookTest, TheFirstDecisionHoldsAtOnce) {
  db::Pool pool = Pool("tm_ingest");
  ConsentBook book(&pool, &clock_);
  EXPECT_FALSE(IsGranted(book));
  scene_.RecordConsent(person_, kSound, true, 0);
  EXPECT_TRUE(IsGranted(book));
}

// Old news is no answer: the chunk stays undecided and comes again.
TEST_F(ConsentBookTest, AQuestionThatFailsIsNoAnswer) {
  db::Pool nowhere({.dsn = "host=/nonexistent dbname=t_none",
                    .connections_max = 1,
                    .statements = {sql::kAllStatements}});
  ConsentBook book(&nowhere, &clock_);
  EXPECT_TRUE(absl::IsUnavailable(
      book.Find(person_.participant_id, absl::Now() + absl::Seconds(5)).status()));
}

}  // namespace
}  // namespace tidemark::store
