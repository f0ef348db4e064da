// Integers in disguise: float channels whose every value is one formula of a small integer.
//
// Most sensors measure integers; a driver multiplies them by a scale and rounds to float, or a file
// prints them as decimals. Finding the integers again halves or quarters what has to be stored, and
// loses nothing, because a formula counts only where it gives back every bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tidemark::signal {

// value = Float(k * factor) for kTimes, Float(k / factor) for kOver, computed in double.
enum class Operation : uint8_t { kTimes = 1, kOver = 2 };  // stored, never renumbered
struct Formula {
  Operation operation = Operation::kTimes;
  double factor = 1;

  template <class Float>
  Float Apply(int32_t k) const {
    const double exact = k;
    return static_cast<Float>(operation == Operation::kTimes ? exact * factor : exact / factor);
  }
};

// A run of equal values that the formula cannot give: NaN, infinity, negative zero, a stray.
template <class Float>
struct Exceptional {
  size_t begin = 0;
  size_t count = 0;
  Float value{};
};

template <class Float>
struct Unmasked {
  Formula formula;
  std::vector<int32_t> integers{};  // one per value; inside an exceptional run the one before it
  std::vector<Exceptional<Float>> exceptional{};  // ascending, disjoint
};

// Looks for a formula that gives every value bit for bit but for a few exceptional runs. True
// floats are recognised from a small sample. `values` holds `count` Floats at any alignment.
template <class Float>
std::optional<Unmasked<Float>> Unmask(const char* values, size_t count);

}  // namespace tidemark::signal
