// Codes one channel of true floats: differences of their ordered bit patterns, by bytes, zstd.
#pragma once

#include <cstddef>
#include <string>

#include "base/endian.h"
#include "core/signal/codec.h"

namespace tidemark::signal {

// `values` holds `count` little-endian Floats, at any alignment. Falls back to the plain bytes, so
// that nothing grows by more than a byte.
template <class Float>
void EncodeFloats(const char* values, size_t count, Effort effort, std::string& to);
// The inverse, into `values`; false on anything EncodeFloats cannot have written.
template <class Float>
[[nodiscard]] bool DecodeFloats(ByteReader& from, size_t count, char* values);

}  // namespace tidemark::signal
