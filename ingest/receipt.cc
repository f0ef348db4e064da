#include "ingest/receipt.h"

#include <google/protobuf/util/time_util.h>

#include <utility>

#include "ingest/ingest_metrics.h"
#include "ingest/merkle.h"
#include "ingest/receipt_proof.h"

namespace tidemark::ingest {
namespace {

constexpr uint32_t kStatementVersion = 1;

Sha256Digest SubtreeRoot(const std::vector<std::string>& statements) {
  std::vector<Sha256Digest> leaves;
  leaves.reserve(statements.size());
  for (const std::string& statement : statements) leaves.push_back(MerkleLeaf(statement));
  return MerkleTree(std::move(leaves)).root();
}

}  // namespace

std::string ReceiptSigner::Statement(const Sender& sender, const Decision& decision,
                                     const Verdict& verdict, absl::Time decided_at) const {
  IngestMetrics::OfProcess().Count(verdict);
  v1::ReceiptStatement statement;
  statement.set_version(kStatementVersion);
  statement.set_device_id(std::string(sender.device_id.AsBytes()));
  if (decision.key) {
    statement.set_stream_id(std::string(decision.key->stream_id.AsBytes()));
    statement.set_writer_id(std::string(decision.key->writer_id.AsBytes()));
    statement.set_number(static_cast<uint64_t>(decision.key->number));
  }
  statement.set_sha256(decision.sha256);
  statement.set_outcome(verdict.outcome);
  statement.set_device_action(verdict.action);
  statement.set_reason(verdict.reason);
  if (verdict.action == v1::DEVICE_ACTION_MAY_DELETE) {
    statement.set_durability(options_.durability);
  }
  *statement.mutable_decided_at() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(decided_at));
  statement.set_restore_generation(restore_generation_);
  statement.set_retry_after_ms(verdict.retry_after_ms);
  return statement.SerializeAsString();
}

std::vector<v1::ReceiptBatch> ReceiptSigner::Sign(
    std::vector<std::vector<std::string>> messages) const {
  if (messages.empty()) return {};
  std::vector<Sha256Digest> roots;
  roots.reserve(messages.size());
  for (const std::vector<std::string>& statements : messages) {
    roots.push_back(SubtreeRoot(statements));
  }
  const MerkleTree top(std::move(roots));
  const std::string signature = options_.key.Sign(ReceiptSignedBytes(top.root()));

  std::vector<v1::ReceiptBatch> batches(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    v1::ReceiptBatch& batch = batches[i];
    for (std::string& statement : messages[i]) batch.add_statements(std::move(statement));
    batch.set_top_index(static_cast<uint32_t>(i));
    batch.set_top_size(static_cast<uint32_t>(messages.size()));
    for (const Sha256Digest& hash : top.Path(i)) batch.add_top_path(std::string(AsView(hash)));
    batch.set_signature(signature);
    batch.set_key_id(options_.key_id);
  }
  return batches;
}

}  // namespace tidemark::ingest
