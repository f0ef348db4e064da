// Variable-length integers: seven bits a byte, least significant first, small numbers short.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/endian.h"

namespace tidemark::signal {

// Signed to unsigned so that numbers near zero stay small: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
constexpr uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

inline void AppendVarint(std::string& to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<char>(value | 0x80));
  to.push_back(static_cast<char>(value));
}

// Nothing when the bytes end early, do not fit 64 bits, or spell a number longer than needed.
inline std::optional<uint64_t> ReadVarint(ByteReader& from) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = from.Read<uint8_t>();
    if (!from.ok() || (shift == 63 && byte > 1)) return std::nullopt;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) return std::nullopt;
      return value;
    }
  }
  return std::nullopt;
}

// A varint that may be at most `value_max`.
inline std::optional<uint64_t> ReadVarint(ByteReader& from, uint64_t value_max) {
  const std::optional<uint64_t> value = ReadVarint(from);
  return value && *value <= value_max ? value : std::nullopt;
}

}  // namespace tidemark::signal
