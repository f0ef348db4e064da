#include "ingest/merkle.h"

#include <gmock/gmock.h>

#include <string>

#include "base/base64.h"

namespace tidemark::ingest {
namespace {

using ::testing::Eq;

// The definition in RFC 6962 §2.1, word for word.
Sha256Digest NaiveRoot(std::span<const std::string> data) {
  if (data.size() == 1) return Sha256(std::string(1, '\x00') + data[0]);
  size_t split = 1;
  while (split * 2 < data.size()) split *= 2;
  const Sha256Digest left = NaiveRoot(data.first(split));
  const Sha256Digest right = NaiveRoot(data.subspan(split));
  return Sha256("\x01" + std::string(AsView(left)) + std::string(AsView(right)));
}

std::vector<Sha256Digest> LeavesOf(std::span<const std::string> data) {
  std::vector<Sha256Digest> leaves;
  for (const std::string& item : data) leaves.push_back(MerkleLeaf(item));
  return leaves;
}

std::vector<std::string> SomeData(size_t count) {
  std::vector<std::string> data;
  for (size_t i = 0; i < count; ++i) data.push_back("item " + std::to_string(i * i));
  return data;
}

// The roots that implementations of Certificate Transparency agree on.
TEST(MerkleTest, KnownAnswers) {
  const std::string inputs[] = {"",
                                "00",
                                "10",
                                "2021",
                                "3031",
                                "40414243",
                                "5051525354555657",
                                "606162636465666768696a6b6c6d6e6f"};
  const std::string roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  std::vector<Sha256Digest> leaves;
  for (size_t i = 0; i < std::size(inputs); ++i) {
    leaves.push_back(MerkleLeaf(*HexDecode(inputs[i])));
    EXPECT_EQ(HexEncode(AsView(MerkleTree(leaves).root())), roots[i]) << i + 1 << " leaves";
  }
}

TEST(MerkleTest, AgreesWithTheRecursiveDefinition) {
  for (size_t count = 1; count <= 70; ++count) {
    const std::vector<std::string> data = SomeData(count);
    EXPECT_EQ(MerkleTree(LeavesOf(data)).root(), NaiveRoot(data)) << count;
  }
}

TEST(MerkleTest, EveryPathLeadsToTheRoot) {
  for (size_t count = 1; count <= 40; ++count) {
    const MerkleTree tree(LeavesOf(SomeData(count)));
    for (size_t i = 0; i < count; ++i) {
      const Sha256Digest leaf = MerkleLeaf("item " + std::to_string(i * i));
      EXPECT_THAT(MerkleRootOf(leaf, i, count, tree.Path(i)), Eq(tree.root())) << i << "/" << count;
    }
  }
}

TEST(MerkleTest, AnotherPlaceAnotherPathOrAnotherLeafDoesNotLeadThere) {
  const size_t count = 11;
  const MerkleTree tree(LeavesOf(SomeData(count)));
  const Sha256Digest leaf = MerkleLeaf("item 9");
  const std::vector<Sha256Digest> path = tree.Path(3);
  ASSERT_THAT(MerkleRootOf(leaf, 3, count, path), Eq(tree.root()));

  EXPECT_NE(MerkleRootOf(MerkleLeaf("item 10"), 3, count, path), tree.root());
  EXPECT_NE(MerkleRootOf(leaf, 2, count, path), tree.root());
  EXPECT_EQ(MerkleRootOf(leaf, count, count, path), std::nullopt);
  EXPECT_EQ(MerkleRootOf(leaf, 0, 0, {}), std::nullopt);
  std::vector<Sha256Digest> other = path;
  other.pop_back();
  EXPECT_EQ(MerkleRootOf(leaf, 3, count, other), std::nullopt);
  other = path;
  other.push_back(path.front());
  EXPECT_EQ(MerkleRootOf(leaf, 3, count, other), std::nullopt);
  for (size_t i = 0; i < path.size(); ++i) {
    other = path;
    other[i][7] ^= 1;
    EXPECT_NE(MerkleRootOf(leaf, 3, count, other), tree.root()) << i;
  }
}

}  // namespace
}  // namespace tidemark::ingest
