// Packs unsigned integers of equal width, 128 at a time, in four interleaved lanes.
//
// Value i stands in lane i % 4; a lane is a stream of 32-bit words. So four values are packed or
// unpacked by each vector instruction (D. Lemire, L. Boytsov: "Decoding billions of integers per
// second through vectorization", 2015).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemark::signal {

inline constexpr size_t kPackedValues = 128;

// The bytes that kPackedValues values of `width` bits take.
constexpr size_t PackedBytes(int width) { return 16 * static_cast<size_t>(width); }

// `values` is aligned to 16 bytes, each < 2^width, 0 <= width <= 32; writes PackedBytes(width).
void Pack(const uint32_t* values, int width, char* to);
// The inverse; `values` is aligned to 16 bytes.
void Unpack(const char* from, int width, uint32_t* values);

}  // namespace tidemark::signal
