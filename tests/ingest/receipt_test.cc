#include "ingest/receipt.h"

#include <gmock/gmock.h>

#include "ingest/receipt_proof.h"
#include "tests/ingest/chunk_builder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReceiptTest : public ::testing::Test {
 protected:
  std::string Statement(const Verdict& verdict) const {
    const Decision decision{std::string(32, 'h'),
                            ChunkKey{StreamId{UuidOf(4, 1)}, WriterId{UuidOf(5, 1)}, 7}, "",
                            verdict};
    return signer_.Statement(SenderOf(1), decision, verdict, absl::FromUnixMicros(1'500'000));
  }

  const SigningKey key_ = SigningKey::GenerateEd25519();
  const ReceiptSigner signer_{{.key = key_, .key_id = "k1", .restore_generation = 4}};
  const ReceiptKeys keys_ = {{"k1", key_.Public()}};
};

TEST_F(ReceiptTest, AStatementSaysWhatWasDecided) {
  v1::ReceiptStatement statement;
  ASSERT_TRUE(statement.ParseFromString(
      Statement(Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, 250))));
  EXPECT_EQ(statement.version(), 1u);
  EXPECT_EQ(statement.device_id(), SenderOf(1).device_id.AsBytes());
  EXPECT_EQ(statement.stream_id(), UuidOf(4, 1).AsBytes());
  EXPECT_EQ(statement.number(), 7u);
  EXPECT_EQ(statement.sha256(), std::string(32, 'h'));
  EXPECT_EQ(statement.outcome(), v1::OUTCOME_REFUSED);
  EXPECT_EQ(statement.device_action(), v1::DEVICE_ACTION_RETRY_AFTER);
  EXPECT_EQ(statement.retry_after_ms(), 250u);
  EXPECT_EQ(statement.durability(), v1::DURABILITY_UNSPECIFIED);
  EXPECT_EQ(statement.restore_generation(), 4u);
  EXPECT_EQ(statement.decided_at().seconds(), 1);
  EXPECT_EQ(statement.decided_at().nanos(), 500'000'000);
}

TEST_F(ReceiptTest, OnlyMayDeletePromisesDurability) {
  for (const Verdict& verdict : {Verdict::Stored(), Verdict::Duplicate(),
                                 Verdict::Quarantined(v1::RECEIPT_REASON_CONFLICT)}) {
    v1::ReceiptStatement statement;
    ASSERT_TRUE(statement.ParseFromString(Statement(verdict)));
    EXPECT_EQ(statement.durability(), v1::DURABILITY_LOCAL);
  }
  for (const Verdict& verdict : {Verdict::Damaged(v1::RECEIPT_REASON_HASH_MISMATCH),
                                 Verdict::KeepAndReport(v1::RECEIPT_REASON_BODY_SIZE),
                                 Verdict::StopAndDelete(v1::RECEIPT_REASON_NO_CONSENT)}) {
    v1::ReceiptStatement statement;
    ASSERT_TRUE(statement.ParseFromString(Statement(verdict)));
    EXPECT_EQ(statement.durability(), v1::DURABILITY_UNSPECIFIED);
  }
}

TEST_F(ReceiptTest, OneSignatureProvesEveryMessageOfACommit) {
  std::vector<std::vector<std::string>> messages;
  for (size_t size : {1, 4, 3, 1, 9}) {
    messages.emplace_back(size, Statement(Verdict::Stored()));
  }
  const std::vector<v1::ReceiptBatch> batches = signer_.Sign(messages);
  ASSERT_THAT(batches, SizeIs(5));
  for (size_t i = 0; i < batches.size(); ++i) {
    EXPECT_EQ(batches[i].signature(), batches[0].signature());
    TM_ASSERT_OK_AND_ASSIGN(const auto statements, VerifyReceiptBatch(batches[i], keys_));
    EXPECT_THAT(statements, SizeIs(messages[i].size()));
    TM_ASSERT_OK_AND_ASSIGN(const v1::Receipt alone, ToStandalone(batches[i], 0));
    EXPECT_THAT(VerifyReceipt(alone, keys_), support::IsOk());
  }
  EXPECT_THAT(signer_.Sign({}), IsEmpty());
}

}  // namespace
}  // namespace tidemark::ingest
