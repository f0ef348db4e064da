// Merkle trees as in RFC 6962: many statements under one root, one short proof for each.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/crypto.h"

namespace tidemark::ingest {

// SHA-256(0x00 || data). The prefix keeps a leaf from being taken for a node.
Sha256Digest MerkleLeaf(std::string_view data);
// SHA-256(0x01 || left || right).
Sha256Digest MerkleNode(const Sha256Digest& left, const Sha256Digest& right);

// All levels are kept, so that the root and every path cost no further hash.
class MerkleTree {
 public:
  // `leaves` are hashes already (MerkleLeaf, or roots of other trees); at least one.
  explicit MerkleTree(std::vector<Sha256Digest> leaves);

  size_t size() const { return levels_.front().size(); }
  const Sha256Digest& root() const { return levels_.back().front(); }
  // The audit path of leaf `index` < size(), nearest sibling first.
  std::vector<Sha256Digest> Path(size_t index) const;

 private:
  std::vector<std::vector<Sha256Digest>> levels_;  // leaves first, the root alone last
};

// The root that `leaf` at `index` of a tree of `size` leaves leads to, or nothing when the path has
// the wrong length for that place.
std::optional<Sha256Digest> MerkleRootOf(const Sha256Digest& leaf, size_t index, size_t size,
                                         std::span<const Sha256Digest> path);

}  // namespace tidemark::ingest
