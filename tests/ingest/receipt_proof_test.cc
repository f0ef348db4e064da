#include "ingest/receipt_proof.h"

#include <gmock/gmock.h>

#include "ingest/merkle.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::SizeIs;

// Messages as a server makes them, built here from the definition in receipt.proto alone.
class ReceiptProofTest : public ::testing::Test {
 protected:
  ReceiptProofTest() { keys_.emplace("k1", key_.Public()); }

  static std::string Statement(int number) {
    v1::ReceiptStatement statement;
    statement.set_version(1);
    statement.set_number(static_cast<uint64_t>(number));
    statement.set_outcome(v1::OUTCOME_STORED);
    return statement.SerializeAsString();
  }

  // One message per entry of `sizes`, all under one signature.
  std::vector<v1::ReceiptBatch> Messages(const std::vector<int>& sizes) {
    std::vector<v1::ReceiptBatch> messages;
    std::vector<Sha256Digest> roots;
    for (const int size : sizes) {
      v1::ReceiptBatch& message = messages.emplace_back();
      std::vector<Sha256Digest> leaves;
      for (int i = 0; i < size; ++i) {
        message.add_statements(Statement(i));
        leaves.push_back(MerkleLeaf(message.statements(i)));
      }
      roots.push_back(MerkleTree(leaves).root());
    }
    const MerkleTree top(roots);
    for (size_t i = 0; i < messages.size(); ++i) {
      messages[i].set_top_index(static_cast<uint32_t>(i));
      messages[i].set_top_size(static_cast<uint32_t>(messages.size()));
      for (const Sha256Digest& hash : top.Path(i)) {
        messages[i].add_top_path(std::string(AsView(hash)));
      }
      messages[i].set_signature(key_.Sign("tidemark-receipt-v1" + std::string(AsView(top.root()))));
      messages[i].set_key_id("k1");
    }
    return messages;
  }

  SigningKey key_ = SigningKey::GenerateEd25519();
  ReceiptKeys keys_;
};

TEST_F(ReceiptProofTest, AMessageAndEveryReceiptOfItHold) {
  for (const v1::ReceiptBatch& message : Messages({1, 5, 2, 8, 3})) {
    TM_ASSERT_OK_AND_ASSIGN(const auto statements, VerifyReceiptBatch(message, keys_));
    ASSERT_THAT(statements, SizeIs(message.statements_size()));
    for (int i = 0; i < message.statements_size(); ++i) {
      EXPECT_EQ(statements[static_cast<size_t>(i)].number(), static_cast<uint64_t>(i));
      TM_ASSERT_OK_AND_ASSIGN(const v1::Receipt receipt, ToStandalone(message, i));
      TM_ASSERT_OK_AND_ASSIGN(const v1::ReceiptStatement statement, VerifyReceipt(receipt, keys_));
      EXPECT_EQ(statement.number(), static_cast<uint64_t>(i));
    }
  }
}

TEST_F(ReceiptProofTest, NoByteOfAReceiptCanBeChanged) {
  const v1::ReceiptBatch message = Messages({4, 7, 2})[1];
  TM_ASSERT_OK_AND_ASSIGN(const v1::Receipt receipt, ToStandalone(message, 3));
  const std::string raw = receipt.SerializeAsString();
  for (size_t i = 0; i < raw.size(); ++i) {
    std::string altered = raw;
    altered[i] = static_cast<char>(altered[i] ^ 0x10);
    v1::Receipt other;
    if (!other.ParseFromString(altered)) continue;
    if (other.SerializeAsString() == raw) continue;
    EXPECT_FALSE(VerifyReceipt(other, keys_).ok()) << "byte " << i;
  }
}

TEST_F(ReceiptProofTest, AMessageThatLostOrGainedAStatementFails) {
  v1::ReceiptBatch message = Messages({5})[0];
  message.mutable_statements()->RemoveLast();
  EXPECT_THAT(VerifyReceiptBatch(message, keys_), StatusIs(absl::StatusCode::kDataLoss));
  message = Messages({5})[0];
  message.add_statements(Statement(5));
  EXPECT_THAT(VerifyReceiptBatch(message, keys_), StatusIs(absl::StatusCode::kDataLoss));
  message = Messages({5})[0];
  message.mutable_statements()->SwapElements(0, 1);
  EXPECT_THAT(VerifyReceiptBatch(message, keys_), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(VerifyReceiptBatch(v1::ReceiptBatch(), keys_), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ReceiptProofTest, OnlyTheKeyThatIsNamedCounts) {
  const v1::ReceiptBatch message = Messages({2})[0];
  EXPECT_THAT(VerifyReceiptBatch(message, {}), StatusIs(absl::StatusCode::kNotFound));
  const ReceiptKeys others = {{"k1", SigningKey::GenerateEd25519().Public()}};
  EXPECT_THAT(VerifyReceiptBatch(message, others), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ReceiptProofTest, ThereIsNoReceiptBesideTheStatements) {
  const v1::ReceiptBatch message = Messages({2})[0];
  EXPECT_THAT(ToStandalone(message, 1), IsOk());
  EXPECT_THAT(ToStandalone(message, 2), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ToStandalone(message, -1), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidemark::ingest
