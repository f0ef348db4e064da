// Bit streams, least significant bit first, padded to whole bytes with zero bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/endian.h"

namespace tidemark::signal {

class BitWriter {
 public:
  explicit BitWriter(std::string& to) : to_(to) {}

  // The low `bits` <= 32 bits of `value`, whose other bits are zero.
  void Put(uint64_t value, int bits) {
    pending_ |= value << used_;
    used_ += bits;
    if (used_ < 32) return;
    AppendLe(to_, static_cast<uint32_t>(pending_));
    pending_ >>= 32;
    used_ -= 32;
  }
  // As Put, for up to 64 bits.
  void PutLong(uint64_t value, int bits) {
    if (bits > 32) {
      Put(value & 0xFFFFFFFF, 32);
      value >>= 32;
      bits -= 32;
    }
    Put(value, bits);
  }
  // Pads to a whole byte and hands over what is pending. Call once, at the end.
  void Finish() {
    for (; used_ > 0; used_ -= 8, pending_ >>= 8) to_.push_back(static_cast<char>(pending_));
  }

 private:
  std::string& to_;
  uint64_t pending_ = 0;
  int used_ = 0;
};

// Reading past the end yields zeros and sets ok() to false.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes)
      : begin_(bytes.data()), next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // `bits` <= 32.
  uint64_t Get(int bits) {
    Refill();
    const uint64_t value = pending_ & ((uint64_t{1} << bits) - 1);
    Skip(bits);
    return value;
  }
  // As Get, right after GetZeros: its refill covers both.
  uint64_t GetAfterZeros(int bits) {
    if (available_ < bits) return Get(bits);
    const uint64_t value = pending_ & ((uint64_t{1} << bits) - 1);
    pending_ >>= bits;
    available_ -= bits;
    return value;
  }
  // `bits` <= 64.
  uint64_t GetLong(int bits) {
    if (bits <= 32) return Get(bits);
    const uint64_t low = Get(32);
    return low | Get(bits - 32) << 32;
  }
  // Consumes zero bits up to `zeros_max` <= 32, and the one bit that ends them if there were fewer.
  int GetZeros(int zeros_max) {
    Refill();
    const int zeros = std::countr_zero(pending_ | uint64_t{1} << zeros_max);
    Skip(zeros < zeros_max ? zeros + 1 : zeros_max);
    return zeros;
  }

  // The next `bits` <= 32 without consuming them, zeros behind the end; then Drop as many of them
  // as turn out to be meant.
  uint64_t Peek(int bits) {
    Refill();
    return pending_ & ((uint64_t{1} << bits) - 1);
  }
  void Drop(int bits) { Skip(bits); }

  bool ok() const { return ok_; }
  // Bytes begun so far; what is left of the last one must be zero padding, or ok() turns false.
  size_t Finish() {
    const int padding = available_ % 8;
    if ((pending_ & ((uint64_t{1} << padding) - 1)) != 0) ok_ = false;
    return static_cast<size_t>(next_ - begin_) - static_cast<size_t>(available_ / 8);
  }

 private:
  // At least 56 bits become available, or all that are left. Bits of pending_ above available_
  // are either zero or already equal to what a later refill puts there.
  void Refill() {
    if (available_ >= 56) return;
    if (end_ - next_ >= 8) {
      pending_ |= LoadLe<uint64_t>(next_) << available_;
      next_ += (63 - available_) >> 3;
      available_ |= 56;
      return;
    }
    for (; available_ < 56 && next_ != end_; available_ += 8) {
      pending_ |= static_cast<uint64_t>(static_cast<uint8_t>(*next_++)) << available_;
    }
  }
  void Skip(int bits) {
    if (bits > available_) {
      ok_ = false;
      pending_ = 0;
      available_ = 0;
      return;
    }
    pending_ >>= bits;
    available_ -= bits;
  }

  const char* begin_;
  const char* next_;
  const char* end_;
  uint64_t pending_ = 0;
  int available_ = 0;
  bool ok_ = true;
};

}  // namespace tidemark::signal
