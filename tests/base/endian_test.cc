#include "base/endian.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

TEST(Endian, WritesLeastSignificantByteFirst) {
  std::string bytes;
  AppendLe<uint16_t>(bytes, 0x0201);
  AppendLe<uint32_t>(bytes, 0x06050403);
  AppendLe<int8_t>(bytes, -1);
  EXPECT_EQ(bytes, "\x01\x02\x03\x04\x05\x06\xff");
  EXPECT_EQ(LoadLe<uint32_t>(bytes.data() + 1), 0x05040302u);  // unaligned
}

TEST(ByteReader, ReadsFrontToBack) {
  std::string bytes;
  AppendLe<int64_t>(bytes, -2);
  AppendLe<float>(bytes, 0.5f);
  bytes += "tail";
  ByteReader reader(bytes);
  EXPECT_EQ(reader.Read<int64_t>(), -2);
  EXPECT_EQ(reader.Read<float>(), 0.5f);
  EXPECT_FALSE(reader.done());
  EXPECT_EQ(reader.ReadBytes(3), "tai");
  EXPECT_EQ(reader.rest(), "l");
  EXPECT_EQ(reader.ReadBytes(1), "l");
  EXPECT_TRUE(reader.done());
}

TEST(ByteReader, AReadPastTheEndYieldsZerosFromThenOn) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.Read<uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Read<uint8_t>(), 0u);
  EXPECT_EQ(reader.ReadBytes(1), "");
  EXPECT_FALSE(reader.done());

  ByteReader bytes("abc");
  EXPECT_EQ(bytes.ReadBytes(4), "");
  EXPECT_FALSE(bytes.ok());
}

}  // namespace
}  // namespace tidemark
