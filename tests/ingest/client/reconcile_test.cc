#include "ingest/client/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemark::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

OutboxWriter Writer(uint64_t next, std::vector<uint64_t> pending) {
  OutboxWriter writer;
  writer.next = next;
  writer.pending = std::move(pending);
  return writer;
}

void Add(google::protobuf::RepeatedPtrField<v1::NumberRange>* ranges, uint64_t begin,
         uint64_t end) {
  auto* range = ranges->Add();
  range->set_begin(begin);
  range->set_end(end);
}

TEST(Reconcile, NothingIsLostWhileEverythingIsPending) {
  const auto result = Reconcile(Writer(3, {0, 1, 2}), nullptr);
  EXPECT_FALSE(result.restored);
  EXPECT_THAT(result.lost, IsEmpty());
}

TEST(Reconcile, SettledOfEveryKindIsAccountedFor) {
  v1::WriterState server;
  Add(server.mutable_stored(), 0, 2);
  Add(server.mutable_quarantined(), 2, 3);
  Add(server.mutable_abandoned(), 3, 4);
  EXPECT_THAT(Reconcile(Writer(6, {4, 5}), &server).lost, IsEmpty());
}

TEST(Reconcile, NumbersWithoutABodyAndWithoutASettlementAreLost) {
  v1::WriterState server;
  Add(server.mutable_stored(), 2, 4);
  const auto result = Reconcile(Writer(9, {5, 6}), &server);
  EXPECT_THAT(result.lost, ElementsAre(Numbers{0, 5}, Numbers{7, 9})) << "one range up to 5";
  EXPECT_EQ(result.lost_numbers, 5u);
}

TEST(Reconcile, AServerThatNeverHeardOfTheWriterLeavesWhatIsGoneLost) {
  EXPECT_THAT(Reconcile(Writer(3, {2}), nullptr).lost, ElementsAre(Numbers{0, 2}));
}

TEST(Reconcile, AServerAheadOfUsMeansARestoredOutbox) {
  v1::WriterState server;
  Add(server.mutable_stored(), 0, 8);
  const auto result = Reconcile(Writer(5, {3}), &server);
  EXPECT_TRUE(result.restored);
  EXPECT_THAT(result.lost, IsEmpty());
}

// Nothing is lost by not being listed.
TEST(Reconcile, OfCutListsWhatIsListedAsMissingIsLost) {
  v1::WriterState server;
  server.set_truncated(true);
  server.set_high_water(1);
  Add(server.mutable_stored(), 0, 1);
  Add(server.mutable_missing(), 1, 2);
  Add(server.mutable_missing(), 3, 6);
  const auto result = Reconcile(Writer(9, {4}), &server);
  EXPECT_THAT(result.lost, ElementsAre(Numbers{1, 4}, Numbers{5, 6}));
  EXPECT_EQ(result.lost_numbers, 3u);
  EXPECT_TRUE(result.more);
  EXPECT_EQ(result.unseen_newest, 8u);
}

TEST(Reconcile, OfCutListsTheNewestIsAskedForOnlyWhereTheyDoNotShowIt) {
  v1::WriterState server;
  server.set_truncated(true);
  Add(server.mutable_missing(), 0, 4);
  EXPECT_EQ(Reconcile(Writer(5, {}), &server).unseen_newest, std::nullopt) << "4 is settled";
  EXPECT_EQ(Reconcile(Writer(6, {5}), &server).unseen_newest, std::nullopt) << "5 waits";
  EXPECT_EQ(Reconcile(Writer(6, {}), &server).unseen_newest, 5u);
  server.clear_missing();
  server.set_high_water(6);
  const auto result = Reconcile(Writer(6, {}), &server);
  EXPECT_EQ(result.unseen_newest, std::nullopt);
  EXPECT_FALSE(result.more) << "everything is settled";
}

TEST(Reconcile, CutListsShowARestoredOutboxByWhatFollowsAGap) {
  v1::WriterState server;
  server.set_truncated(true);
  Add(server.mutable_missing(), 2, 6);
  EXPECT_TRUE(Reconcile(Writer(6, {}), &server).restored);
  EXPECT_FALSE(Reconcile(Writer(7, {}), &server).restored);
}

TEST(Reconcile, NumbersThatWereToldToBeDeletedAreSettled) {
  v1::WriterState server;
  Add(server.mutable_refused(), 0, 2);
  EXPECT_THAT(Reconcile(Writer(2, {}), &server).lost, IsEmpty());
}

TEST(Reconcile, AListThatWasCutIsReasonEnoughToNumberAnew) {
  v1::WriterState server;
  Add(server.mutable_stored(), 0, 1);
  EXPECT_FALSE(Reconcile(Writer(2, {}), &server).scattered);
  server.set_truncated(true);
  const auto result = Reconcile(Writer(2, {}), &server);
  EXPECT_TRUE(result.scattered);
  EXPECT_FALSE(result.restored);
  EXPECT_THAT(result.lost, IsEmpty()) << "no gap is listed";
}

}  // namespace
}  // namespace tidemark::ingest
