// What the live and the dense form of a float channel share: integers in disguise, floats widened
// to double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endian.h"
#include "core/signal/disguise.h"

namespace tidemark::signal {

enum class Guise : uint8_t { kPlain = 0, kNarrow = 1, kDisguised = 2 };  // stored

// How to get the floats back from the integers:
//   u8 operation, f64 factor, varint n, then n exceptional runs: varint values since the end of the
//   run before, varint length - 1, the value
template <class Float>
struct Unmasking {
  Formula formula;
  std::vector<Exceptional<Float>> exceptional;
};
template <class Float>
void AppendUnmasking(const Unmasked<Float>& unmasked, std::string& to);
// For a channel of `count` values; false on anything AppendUnmasking cannot have written.
template <class Float>
[[nodiscard]] bool ReadUnmasking(ByteReader& from, size_t count, Unmasking<Float>& unmasking);
// Overwrites the exceptional runs in a channel, at any alignment.
template <class Float>
void PlaceExceptional(const std::vector<Exceptional<Float>>& runs, char* values);

// The float64 `values` as float32, if they all are float32 values.
std::optional<std::string> Narrowed(std::string_view values);
// The inverse.
void Widen(const float* narrow, size_t count, char* values);

}  // namespace tidemark::signal
