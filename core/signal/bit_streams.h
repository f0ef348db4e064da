// Four bit streams read side by side, so that none waits for another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/endian.h"
#include "core/signal/varint.h"

namespace tidemark::signal {

inline constexpr size_t kBitStreams = 4;

// In a local variable whose address goes nowhere, all of it but the bytes lives in registers.
class BitStreams {
 public:
  // Reads varint x kBitStreams sizes and then the streams, each padded to whole bytes with zero
  // bits. False if they are not there. `padded` keeps a copy: whole words are read behind the ends.
  [[nodiscard]] bool Start(ByteReader& from, std::string& padded) {
    std::array<uint64_t, kBitStreams> sizes;
    for (uint64_t& size : sizes) {
      const auto read = ReadVarint(from, from.rest().size());
      if (!read) return false;
      size = *read;
    }
    padded.clear();
    std::array<size_t, kBitStreams> begins;
    for (size_t s = 0; s < kBitStreams; ++s) {
      begins[s] = padded.size();
      padded += from.ReadBytes(sizes[s]);
    }
    padded.append(2 * sizeof(uint64_t), '\0');
    for (size_t s = 0; s < kBitStreams; ++s) {
      next_[s] = padded.data() + begins[s];
      end_[s] = next_[s] + sizes[s];
    }
    last_ = padded.data() + padded.size() - sizeof(uint64_t);
    return from.ok();
  }

  // Makes kRefilledBits bits of every stream available; false when one of them has run out long
  // ago.
  static constexpr int kRefilledBits = 56;
  [[nodiscard]] bool Refill() {
    if (next_[0] > last_ || next_[1] > last_ || next_[2] > last_ || next_[3] > last_) return false;
#pragma GCC unroll 4
    for (size_t s = 0; s < kBitStreams; ++s) {
      // Bits of bits_ above available_ are zero or already equal to what is put there.
      bits_[s] |= LoadLe<uint64_t>(next_[s]) << available_[s];
      next_[s] += (63 - available_[s]) >> 3;
      available_[s] |= 56;
    }
    return true;
  }
  // The bits of stream `s` that come next, the first one lowest.
  uint64_t Peek(size_t s) const { return bits_[s]; }
  // Takes bits off what Peek shows; Spend must follow with all of them before the next Refill.
  void Take(size_t s, uint32_t bits) { bits_[s] >>= bits; }
  void Spend(size_t s, uint32_t bits) { available_[s] -= bits; }

  // Whether every stream was read to its end, and what is left of its last byte is zero.
  bool Finish() const {
    for (size_t s = 0; s < kBitStreams; ++s) {
      if (next_[s] - available_[s] / 8 != end_[s]) return false;
      if ((bits_[s] & ((uint64_t{1} << available_[s] % 8) - 1)) != 0) return false;
    }
    return true;
  }

 private:
  std::array<const char*, kBitStreams> next_{};
  std::array<const char*, kBitStreams> end_{};
  const char* last_ = nullptr;  // where a word may still be read
  std::array<uint64_t, kBitStreams> bits_{};
  std::array<uint32_t, kBitStreams> available_{};
};

}  // namespace tidemark::signal
