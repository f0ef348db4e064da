// Receipts as a server makes them, for tests.
#pragma once

#include <string>
#include <vector>

#include "base/crypto.h"
#include "ingest/merkle.h"
#include "ingest/receipt_proof.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

class ReceiptMaker {
 public:
  explicit ReceiptMaker(std::string key_id = "k1")
      : key_id_(std::move(key_id)), key_(SigningKey::GenerateEd25519()) {}

  // One message whose subtree is the whole tree.
  v1::ReceiptBatch Sign(const std::vector<v1::ReceiptStatement>& statements) const {
    v1::ReceiptBatch batch;
    std::vector<Sha256Digest> leaves;
    for (const auto& statement : statements) {
      batch.add_statements(statement.SerializeAsString());
      leaves.push_back(MerkleLeaf(batch.statements().rbegin()[0]));
    }
    const Sha256Digest subtree = MerkleTree(std::move(leaves)).root();
    batch.set_top_index(0);
    batch.set_top_size(1);
    batch.set_signature(key_.Sign(ReceiptSignedBytes(subtree)));
    batch.set_key_id(key_id_);
    return batch;
  }

  const std::string& key_id() const { return key_id_; }
  std::string public_key() const { return key_.Public().Export(); }
  ReceiptKeys keys() const {
    ReceiptKeys keys;
    keys.emplace(key_id_, key_.Public());
    return keys;
  }

 private:
  std::string key_id_;
  SigningKey key_;
};

}  // namespace tidemark::ingest
