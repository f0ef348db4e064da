// Codes one channel of integers: polynomial prediction, then bit packing or Rice.
//
// All arithmetic wraps around at the width of the type, so every input is legal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/endian.h"
#include "core/signal/codec.h"

namespace tidemark::signal {

// `values` holds `count` little-endian Ints, at any alignment. Int: int16_t or int32_t.
template <class Int>
void EncodeIntegers(const char* values, size_t count, Effort effort, std::string& to);
// The inverse, into `values`; false on anything EncodeIntegers cannot have written.
template <class Int>
[[nodiscard]] bool DecodeIntegers(ByteReader& from, size_t count, char* values);

}  // namespace tidemark::signal
