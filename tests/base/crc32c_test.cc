#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace tidemark {
namespace {

// RFC 3720 §B.4 and the customary check value.
TEST(Crc32c, KnownAnswers) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  EXPECT_EQ(Crc32c(rising), 0x46DD794Eu);
}

// Every length and cut crosses the eight-byte steps of the fast path differently.
TEST(Crc32c, PiecesChainToTheWhole) {
  std::string bytes;
  for (size_t i = 0; i < 41; ++i) bytes += static_cast<char>(i * 37);
  const std::string_view all = bytes;
  for (size_t size = 0; size <= all.size(); ++size) {
    const uint32_t whole = Crc32c(all.substr(0, size));
    for (size_t cut = 0; cut <= size; ++cut) {
      EXPECT_EQ(Crc32c(all.substr(cut, size - cut), Crc32c(all.substr(0, cut))), whole);
    }
  }
}

TEST(Crc32c, AnyFlippedBitShows) {
  std::string bytes(19, 'a');
  const uint32_t original = Crc32c(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(Crc32c(flipped), original) << bit;
  }
}

}  // namespace
}  // namespace tidemark
