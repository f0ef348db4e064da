#include "ingest/merkle.h"

#include <cassert>
#include <string>
#include <utility>

namespace tidemark::ingest {

Sha256Digest MerkleLeaf(std::string_view data) {
  Sha256Stream hash;
  hash.Update(std::string_view("\x00", 1));
  hash.Update(data);
  return hash.Finish();
}

Sha256Digest MerkleNode(const Sha256Digest& left, const Sha256Digest& right) {
  std::string both("\x01");
  both.append(AsView(left)).append(AsView(right));
  return Sha256(both);
}

// A node without a sibling moves up unchanged: that yields exactly the tree of RFC 6962, which
// splits at the largest power of two below the number of leaves.
MerkleTree::MerkleTree(std::vector<Sha256Digest> leaves) {
  assert(!leaves.empty());
  levels_.push_back(std::move(leaves));
  while (levels_.back().size() > 1) {
    const std::vector<Sha256Digest>& below = levels_.back();
    std::vector<Sha256Digest> level;
    level.reserve((below.size() + 1) / 2);
    for (size_t i = 0; i + 1 < below.size(); i += 2) {
      level.push_back(MerkleNode(below[i], below[i + 1]));
    }
    if (below.size() % 2 == 1) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
}

std::vector<Sha256Digest> MerkleTree::Path(size_t index) const {
  assert(index < size());
  std::vector<Sha256Digest> path;
  for (const std::vector<Sha256Digest>& level : levels_) {
    const size_t sibling = index ^ 1;
    if (sibling < level.size()) path.push_back(level[sibling]);
    index /= 2;
  }
  return path;
}

// Climbs as the tree was built: a last node without sibling consumes nothing of the path.
std::optional<Sha256Digest> MerkleRootOf(const Sha256Digest& leaf, size_t index, size_t size,
                                         std::span<const Sha256Digest> path) {
  if (index >= size) return std::nullopt;
  Sha256Digest hash = leaf;
  for (; size > 1; size = (size + 1) / 2, index /= 2) {
    if ((index ^ 1) >= size) continue;
    if (path.empty()) return std::nullopt;
    hash = index % 2 == 0 ? MerkleNode(hash, path.front()) : MerkleNode(path.front(), hash);
    path = path.subspan(1);
  }
  if (!path.empty()) return std::nullopt;
  return hash;
}

}  // namespace tidemark::ingest
