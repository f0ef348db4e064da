// Making receipts: statements, their trees, and one signature for many.
#pragma once

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
  uint64_t restore_generation = 0;
  // What the database promises for a commit.
  v1::Durability durability = v1::DURABILITY_LOCAL;
};

// Immutable, thread-safe.
class ReceiptSigner {
 public:
  explicit ReceiptSigner(ReceiptSignerOptions options) : options_(std::move(options)) {}

  // The serialized statement: the bytes that a proof covers.
  std::string Statement(const Sender& sender, const Decision& decision, const Verdict& verdict,
                        absl::Time decided_at) const;

  // One message of receipts for each list of statements, none of them empty, all under one
  // signature: a subtree per message, a top tree over their roots.
  std::vector<v1::ReceiptBatch> Sign(std::vector<std::vector<std::string>> messages) const;

  uint64_t restore_generation() const { return options_.restore_generation; }

 private:
  const ReceiptSignerOptions options_;
};

}  // namespace tidemark::ingest
