// Making receipts: statements, their trees, and one signature for many.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/crypto.h"
#include "ingest/chunk.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

struct ReceiptSignerOptions {
  SigningKey key;  // Ed25519
  std::string key_id;
  uint64_t restore_generation = 0;  // at first
  // What the database promises for a commit.
  v1::Durability durability = v1::DURABILITY_LOCAL;
};

// Thread-safe.
class ReceiptSigner {
 public:
  explicit ReceiptSigner(ReceiptSignerOptions options)
      : options_(std::move(options)), restore_generation_(options_.restore_generation) {}

  // The serialized statement: the bytes that a proof covers.
  std::string Statement(const Sender& sender, const Decision& decision, const Verdict& verdict,
                        absl::Time decided_at) const;

  // One message of receipts for each list of statements, none of them empty, all under one
  // signature: a subtree per message, a top tree over their roots.
  std::vector<v1::ReceiptBatch> Sign(std::vector<std::vector<std::string>> messages) const;

  // Of every statement from now on; it grows while the server runs.
  void SetRestoreGeneration(uint64_t generation) { restore_generation_ = generation; }
  uint64_t restore_generation() const { return restore_generation_; }

 private:
  const ReceiptSignerOptions options_;
  std::atomic<uint64_t> restore_generation_;
};

}  // namespace tidemark::ingest
