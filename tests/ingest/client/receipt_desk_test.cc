#include "ingest/client/receipt_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ingest/client/receipt_maker.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using support::StatusIs;

// One chunk in flight.
class ReceiptDeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto outbox = Outbox::Open(folder_ / "outbox");
    ASSERT_THAT(outbox, IsOk());
    outbox_ = *std::move(outbox);
    auto ledger = Ledger::Open(folder_ / "ledger");
    ASSERT_THAT(ledger, IsOk());
    ledger_ = std::make_unique<Ledger>(*std::move(ledger));
    v1::StreamDeclaration declaration;
    declaration.set_modality(v1::MODALITY_OTHER);
    const auto stream = outbox_->DeclareStream("x", declaration);
    ASSERT_THAT(stream, IsOk());
    const auto ref = outbox_->Append(stream->stream_id, [](auto&&, uint64_t) { return "body"; });
    ASSERT_THAT(ref, IsOk());
    ref_ = *ref;
    queue_ = std::make_unique<ChunkQueue>(std::vector{ref_});
    queue_->Take(clock_.Now());
    queue_->Sent(ref_, Sha256("body"), 4);
    desk_ = std::make_unique<ReceiptDesk>(
        ReceiptDesk::Options{.device_id = device_, .waits_max = 1, .clock = &clock_}, *outbox_,
        *ledger_);
    desk_->SetKeys(maker_.keys());
  }

  v1::ReceiptStatement Statement(v1::Outcome outcome, v1::DeviceAction action) const {
    v1::ReceiptStatement statement;
    statement.set_version(1);
    statement.set_device_id(std::string(device_.AsBytes()));
    statement.set_stream_id(std::string(ref_.stream_id.AsBytes()));
    statement.set_writer_id(std::string(ref_.writer_id.AsBytes()));
    statement.set_number(ref_.number);
    statement.set_sha256(std::string(AsView(Sha256("body"))));
    statement.set_outcome(outcome);
    statement.set_device_action(action);
    statement.set_durability(v1::DURABILITY_LOCAL);
    return statement;
  }
  absl::Status Handle(const v1::ReceiptStatement& statement) {
    return desk_->Handle(maker_.Sign({statement}), *queue_);
  }

  TestFolder folder_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  const DeviceId device_ = DeviceId::MakeV7();
  ReceiptMaker maker_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<ChunkQueue> queue_;
  std::unique_ptr<ReceiptDesk> desk_;
  ChunkRef ref_;
};

TEST_F(ReceiptDeskTest, AProvenReceiptIsInTheLedgerAndTheBodyGone) {
  ASSERT_THAT(Handle(Statement(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE)), IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_EQ(queue_->in_flight(), 0u);
  EXPECT_EQ(desk_->report().body_bytes_deleted, 4u);
  int receipts = 0;
  ASSERT_THAT(Ledger::ForEach(folder_ / "ledger",
                              [&](const v1::Receipt& receipt) {
                                ++receipts;
                                return VerifyReceipt(receipt, maker_.keys()).status();
                              }),
              IsOk());
  EXPECT_EQ(receipts, 1);
}

TEST_F(ReceiptDeskTest, AForgedReceiptDeletesNothing) {
  v1::ReceiptBatch batch =
      maker_.Sign({Statement(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_RETRY_AFTER)});
  *batch.mutable_statements(0) =
      Statement(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE).SerializeAsString();
  EXPECT_THAT(desk_->Handle(batch, *queue_), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(outbox_->pending_chunks(), 1u);
  EXPECT_EQ(ledger_->receipts(), 0u);
}

TEST_F(ReceiptDeskTest, AnUnknownKeyIsSaidSo) {
  const ReceiptMaker other("k9");
  EXPECT_THAT(
      desk_->Handle(other.Sign({Statement(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE)}),
                    *queue_),
      StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(outbox_->pending_chunks(), 1u);
}

TEST_F(ReceiptDeskTest, AReceiptForNothingInFlightIsCountedOnly) {
  v1::ReceiptStatement statement = Statement(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE);
  statement.set_sha256(std::string(AsView(Sha256("other"))));
  ASSERT_THAT(Handle(statement), IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 1u);
  EXPECT_EQ(ledger_->receipts(), 0u);
}

TEST_F(ReceiptDeskTest, KeepMovesTheBodyAndRemembersToAbandon) {
  ASSERT_THAT(Handle(Statement(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_KEEP_AND_REPORT)), IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  const auto abandoned = desk_->TakeToAbandon();
  ASSERT_EQ(abandoned.size(), 1u);
  EXPECT_EQ(abandoned[0], ref_);
  EXPECT_TRUE(desk_->TakeToAbandon().empty());
  EXPECT_EQ(ledger_->receipts(), 1u) << "the refusal is evidence, too";
}

TEST_F(ReceiptDeskTest, AConflictStartsANewWriter) {
  auto statement = Statement(v1::OUTCOME_QUARANTINED, v1::DEVICE_ACTION_MAY_DELETE);
  statement.set_reason(v1::RECEIPT_REASON_CONFLICT);
  ASSERT_THAT(Handle(statement), IsOk());
  EXPECT_EQ(desk_->report().writers_started, 1u);
  EXPECT_NE(outbox_->Streams()[0].writer_id, ref_.writer_id);
}

TEST_F(ReceiptDeskTest, StopDeletesTheBodyAndStopsTheStream) {
  ASSERT_THAT(Handle(Statement(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_STOP_AND_DELETE)), IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_TRUE(outbox_->Streams()[0].stopped);
  EXPECT_EQ(ledger_->receipts(), 1u);
}

// Consent may have ended for an evening and hold again: the stream goes on.
TEST_F(ReceiptDeskTest, ARefusedChunkOfTheBacklogStopsNothing) {
  ASSERT_THAT(outbox_->Append(ref_.stream_id, [](auto&&, uint64_t) { return "newer"; }), IsOk());
  ASSERT_THAT(Handle(Statement(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_STOP_AND_DELETE)), IsOk());
  EXPECT_EQ(outbox_->pending_chunks(), 1u);
  EXPECT_FALSE(outbox_->Streams()[0].stopped);
}

TEST_F(ReceiptDeskTest, EndlessWaitingLeavesTheChunkForAnotherRun) {
  const auto statement = Statement(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_RETRY_AFTER);
  ASSERT_THAT(Handle(statement), IsOk());
  ASSERT_TRUE(queue_->NextTime().has_value());
  clock_.Advance(absl::Seconds(10));
  ASSERT_TRUE(queue_->Take(clock_.Now()).has_value());
  queue_->Sent(ref_, Sha256("body"), 4);
  ASSERT_THAT(Handle(statement), IsOk());
  EXPECT_FALSE(queue_->NextTime().has_value());
  EXPECT_EQ(outbox_->pending_chunks(), 1u);
}

}  // namespace
}  // namespace tidemark::ingest
