#include "ingest/client/receipt_policy.h"

#include <gtest/gtest.h>

namespace tidemark::ingest {
namespace {

class ReceiptPolicyTest : public ::testing::Test {
 protected:
  ReceiptPolicyTest() {
    statement_.set_version(1);
    statement_.set_device_id(std::string(device_.AsBytes()));
    statement_.set_stream_id(std::string(ref_.stream_id.AsBytes()));
    statement_.set_writer_id(std::string(ref_.writer_id.AsBytes()));
    statement_.set_number(ref_.number);
    Say(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE);
    statement_.set_durability(v1::DURABILITY_LOCAL);
  }

  void Say(v1::Outcome outcome, v1::DeviceAction action) {
    statement_.set_outcome(outcome);
    statement_.set_device_action(action);
  }
  Disposition Decided(int resends = 0, bool accept_unsafe = false) const {
    return Decide(statement_, ref_, device_, resends, accept_unsafe).disposition;
  }

  const DeviceId device_ = DeviceId::MakeV7();
  const ChunkRef ref_{StreamId::MakeV7(), WriterId::MakeRandom(), 7};
  v1::ReceiptStatement statement_;
};

TEST_F(ReceiptPolicyTest, DeletesOnlyWhatIsCommitted) {
  for (const auto outcome : {v1::OUTCOME_STORED, v1::OUTCOME_DUPLICATE, v1::OUTCOME_QUARANTINED}) {
    Say(outcome, v1::DEVICE_ACTION_MAY_DELETE);
    EXPECT_EQ(Decided(), Disposition::kDelete) << outcome;
  }
  for (const auto outcome : {v1::OUTCOME_DAMAGED, v1::OUTCOME_REFUSED, v1::OUTCOME_UNSPECIFIED}) {
    Say(outcome, v1::DEVICE_ACTION_MAY_DELETE);
    EXPECT_EQ(Decided(), Disposition::kLeave) << outcome;
  }
}

TEST_F(ReceiptPolicyTest, DeletesOnlyWhatACrashCannotTakeBack) {
  statement_.set_durability(v1::DURABILITY_REPLICATED);
  EXPECT_EQ(Decided(), Disposition::kDelete);
  statement_.set_durability(v1::DURABILITY_UNSPECIFIED);
  EXPECT_EQ(Decided(), Disposition::kLeave);
  statement_.set_durability(v1::DURABILITY_UNSAFE);
  EXPECT_EQ(Decided(), Disposition::kLeave);
  EXPECT_EQ(Decided(0, /*accept_unsafe=*/true), Disposition::kDelete);
}

TEST_F(ReceiptPolicyTest, KeepsAfterThreeAnswersToResend) {
  Say(v1::OUTCOME_DAMAGED, v1::DEVICE_ACTION_RESEND);
  EXPECT_EQ(Decided(0), Disposition::kResend);
  EXPECT_EQ(Decided(1), Disposition::kResend);
  EXPECT_EQ(Decided(2), Disposition::kKeep);
}

TEST_F(ReceiptPolicyTest, WaitsAsToldOrByDefault) {
  Say(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_RETRY_AFTER);
  statement_.set_retry_after_ms(1500);
  ReceiptDecision decision = Decide(statement_, ref_, device_, 0, false);
  EXPECT_EQ(decision.disposition, Disposition::kWait);
  EXPECT_EQ(decision.wait, absl::Milliseconds(1500));
  statement_.set_retry_after_ms(0);
  EXPECT_EQ(Decide(statement_, ref_, device_, 0, false).wait, kRetryAfterDefault);
}

TEST_F(ReceiptPolicyTest, KeepsAndStops) {
  Say(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_KEEP_AND_REPORT);
  statement_.set_reason(v1::RECEIPT_REASON_BODY_SIZE);
  const ReceiptDecision decision = Decide(statement_, ref_, device_, 0, false);
  EXPECT_EQ(decision.disposition, Disposition::kKeep);
  EXPECT_EQ(decision.why, "REFUSED BODY_SIZE");
  Say(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_STOP_AND_DELETE);
  EXPECT_EQ(Decided(), Disposition::kStopAndDelete);
}

TEST_F(ReceiptPolicyTest, AnUnknownWordKeepsTheCopy) {
  Say(v1::OUTCOME_STORED, v1::DEVICE_ACTION_UNSPECIFIED);
  EXPECT_EQ(Decided(), Disposition::kLeave);
  Say(v1::OUTCOME_STORED, static_cast<v1::DeviceAction>(99));
  EXPECT_EQ(Decided(), Disposition::kLeave);
  Say(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE);
  statement_.set_version(2);
  EXPECT_EQ(Decided(), Disposition::kLeave);
}

TEST_F(ReceiptPolicyTest, AWordAboutSomethingElseKeepsTheCopy) {
  statement_.set_number(8);
  EXPECT_EQ(Decided(), Disposition::kLeave);
  statement_.set_number(7);
  statement_.set_writer_id(std::string(16, 'x'));
  EXPECT_EQ(Decided(), Disposition::kLeave);
  statement_.set_writer_id(std::string(ref_.writer_id.AsBytes()));
  statement_.set_device_id(std::string(16, 'x'));
  EXPECT_EQ(Decided(), Disposition::kLeave);
}

TEST_F(ReceiptPolicyTest, ABodyThatCouldNotBeReadHasNoKeyInItsReceipt) {
  statement_.clear_stream_id();
  statement_.clear_writer_id();
  statement_.clear_number();
  Say(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_KEEP_AND_REPORT);
  EXPECT_EQ(Decided(), Disposition::kKeep);
}

}  // namespace
}  // namespace tidemark::ingest
