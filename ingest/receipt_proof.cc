#include "ingest/receipt_proof.h"

#include <google/protobuf/repeated_field.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "ingest/merkle.h"
#include "ingest/wire_limits.h"

namespace tidemark::ingest {
namespace {

using Strings = google::protobuf::RepeatedPtrField<std::string>;

absl::StatusOr<std::vector<Sha256Digest>> DigestsOf(const Strings& raw) {
  std::vector<Sha256Digest> digests;
  digests.reserve(static_cast<size_t>(raw.size()));
  for (const std::string& bytes : raw) {
    if (bytes.size() != sizeof(Sha256Digest)) {
      return absl::DataLossError("receipt: a hash of the path has not 32 bytes");
    }
    std::copy(bytes.begin(), bytes.end(), digests.emplace_back().begin());
  }
  return digests;
}

absl::StatusOr<Sha256Digest> Climb(const Sha256Digest& from, uint32_t index, uint32_t size,
                                   const Strings& raw_path) {
  TM_ASSIGN_OR_RETURN(const std::vector<Sha256Digest> path, DigestsOf(raw_path));
  const std::optional<Sha256Digest> root = MerkleRootOf(from, index, size, path);
  if (!root) return absl::DataLossError("receipt: the path does not fit its place in the tree");
  return *root;
}

// `Signed` is a ReceiptBatch or a Receipt: both end in the same top path and signature.
template <class Signed>
absl::Status CheckSignature(const Signed& message, const Sha256Digest& subtree_root,
                            const ReceiptKeys& keys) {
  const auto key = keys.find(message.key_id());
  if (key == keys.end()) return absl::NotFoundError("receipt: signed with an unknown key");
  TM_ASSIGN_OR_RETURN(const Sha256Digest top_root, Climb(subtree_root, message.top_index(),
                                                         message.top_size(), message.top_path()));
  if (!key->second.Verify(ReceiptSignedBytes(top_root), message.signature())) {
    return absl::DataLossError("receipt: the signature does not hold");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ReceiptStatement> ReadStatement(const std::string& bytes) {
  v1::ReceiptStatement statement;
  if (!statement.ParseFromString(bytes) || statement.version() != 1) {
    return absl::DataLossError("receipt: the statement is of an unknown form");
  }
  return statement;
}

absl::Status CheckStatementCount(const v1::ReceiptBatch& batch) {
  if (batch.statements_size() >= 1 && batch.statements_size() <= kReceiptStatementsMax) {
    return absl::OkStatus();
  }
  return absl::DataLossError("receipt: a message has 1 to 4096 statements");
}

MerkleTree SubtreeOf(const v1::ReceiptBatch& batch) {
  std::vector<Sha256Digest> leaves;
  leaves.reserve(static_cast<size_t>(batch.statements_size()));
  for (const std::string& statement : batch.statements()) leaves.push_back(MerkleLeaf(statement));
  return MerkleTree(std::move(leaves));
}

}  // namespace

std::string ReceiptSignedBytes(const Sha256Digest& top_root) {
  return std::string(kReceiptSignaturePrefix).append(AsView(top_root));
}

absl::StatusOr<std::vector<v1::ReceiptStatement>> VerifyReceiptBatch(const v1::ReceiptBatch& batch,
                                                                     const ReceiptKeys& keys) {
  TM_RETURN_IF_ERROR(CheckStatementCount(batch));
  TM_RETURN_IF_ERROR(CheckSignature(batch, SubtreeOf(batch).root(), keys));
  std::vector<v1::ReceiptStatement> statements;
  statements.reserve(static_cast<size_t>(batch.statements_size()));
  for (const std::string& bytes : batch.statements()) {
    TM_ASSIGN_OR_RETURN(v1::ReceiptStatement statement, ReadStatement(bytes));
    statements.push_back(std::move(statement));
  }
  return statements;
}

absl::StatusOr<v1::Receipt> ToStandalone(const v1::ReceiptBatch& batch, int index) {
  if (!CheckStatementCount(batch).ok() || index < 0 || index >= batch.statements_size()) {
    return absl::InvalidArgumentError("receipt: the message has no such statement");
  }
  v1::Receipt receipt;
  receipt.set_statement(batch.statements(index));
  receipt.set_index(static_cast<uint32_t>(index));
  receipt.set_size(static_cast<uint32_t>(batch.statements_size()));
  for (const Sha256Digest& hash : SubtreeOf(batch).Path(static_cast<size_t>(index))) {
    receipt.add_path(std::string(AsView(hash)));
  }
  receipt.set_top_index(batch.top_index());
  receipt.set_top_size(batch.top_size());
  *receipt.mutable_top_path() = batch.top_path();
  receipt.set_signature(batch.signature());
  receipt.set_key_id(batch.key_id());
  return receipt;
}

absl::StatusOr<v1::ReceiptStatement> VerifyReceipt(const v1::Receipt& receipt,
                                                   const ReceiptKeys& keys) {
  TM_ASSIGN_OR_RETURN(
      const Sha256Digest subtree_root,
      Climb(MerkleLeaf(receipt.statement()), receipt.index(), receipt.size(), receipt.path()));
  TM_RETURN_IF_ERROR(CheckSignature(receipt, subtree_root, keys));
  return ReadStatement(receipt.statement());
}

}  // namespace tidemark::ingest
