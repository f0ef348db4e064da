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
  EXPECT_THAT(Reconcile(Writer(9, {5, 6}), &server).lost,
              ElementsAre(Numbers{0, 2}, Numbers{4, 5}, Numbers{7, 9}));
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

TEST(Reconcile, CutListsProveNothingLost) {
  v1::WriterState server;
  server.set_truncated(true);
  EXPECT_THAT(Reconcile(Writer(5, {}), &server).lost, IsEmpty());
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
  EXPECT_THAT(result.lost, IsEmpty());
}

}  // namespace
}  // namespace tidemark::ingest
