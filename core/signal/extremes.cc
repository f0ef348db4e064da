#include "core/signal/extremes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/endian.h"

namespace tidemark::signal {
namespace {

// One vector register of keys; constant loop bounds and two accumulators keep it all in registers.
template <class Int>
struct LanesOf {
  using Type __attribute__((vector_size(16))) = Int;
};
template <class Int>
using Lanes = typename LanesOf<Int>::Type;
template <class Int>
constexpr size_t kLanes = 16 / sizeof(Int);

template <class Int>
struct Bounds {
  Int min = std::numeric_limits<Int>::max();
  Int max = std::numeric_limits<Int>::min();
  uint32_t finite = 0;
};

// The signed integer type that orders like `Number`, bit patterns of floats taken as such.
template <class Number>
struct KeyOf {
  using Type = Number;
};
template <>
struct KeyOf<float> {
  using Type = int32_t;
};
template <>
struct KeyOf<double> {
  using Type = int64_t;
};

// For a float's bits: an integer of the same order. Its own inverse.
template <class Int>
constexpr Int kMagnitude = std::numeric_limits<Int>::max();
template <class Any, class Int>
Any OrderedKey(Any bits, Int sign_shift) {
  return bits ^ ((bits >> sign_shift) & kMagnitude<Int>);
}

// Magnitudes from here on are infinite or not a number.
template <class Number>
constexpr auto kInfinite =
    std::bit_cast<typename KeyOf<Number>::Type>(std::numeric_limits<Number>::infinity());

template <class Number, class Int>
void Include(Int key, Bounds<Int>& bounds) {
  if constexpr (std::is_floating_point_v<Number>) {
    if ((key & kMagnitude<Int>) >= kInfinite<Number>) return;
    key = OrderedKey(key, Int{8 * sizeof(Int) - 1});
  }
  bounds.min = std::min(bounds.min, key);
  bounds.max = std::max(bounds.max, key);
  ++bounds.finite;
}

template <class Int>
Bounds<Int> Fold(Lanes<Int> min, Lanes<Int> max, Lanes<Int> finite) {
  Bounds<Int> bounds;
  for (size_t lane = 0; lane < kLanes<Int>; ++lane) {
    bounds.min = std::min<Int>(bounds.min, min[lane]);
    bounds.max = std::max<Int>(bounds.max, max[lane]);
    bounds.finite += static_cast<uint32_t>(finite[lane]);
  }
  return bounds;
}

// A full bucket, a vector register at a time.
template <class Number, class Int>
Bounds<Int> FullBucket(const char* values) {
  Lanes<Int> min = Lanes<Int>{} + std::numeric_limits<Int>::max();
  Lanes<Int> max = Lanes<Int>{} + std::numeric_limits<Int>::min();
  Lanes<Int> finite{};
  for (size_t i = 0; i < kSamplesPerBucket; i += kLanes<Int>) {
    Lanes<Int> key;
    std::memcpy(&key, values + i * sizeof(Int), sizeof key);
    Lanes<Int> low = key;
    Lanes<Int> high = key;
    if constexpr (std::is_floating_point_v<Number>) {
      // All ones where finite. Elsewhere the key becomes one that changes neither bound.
      const Lanes<Int> is_finite = (key & kMagnitude<Int>) < kInfinite<Number>;
      const Lanes<Int> ordered = OrderedKey(key, Int{8 * sizeof(Int) - 1});
      low = (ordered & is_finite) | (~is_finite & std::numeric_limits<Int>::max());
      high = (ordered & is_finite) | (~is_finite & std::numeric_limits<Int>::min());
      finite -= is_finite;
    }
    min = low < min ? low : min;
    max = high > max ? high : max;
  }
  Bounds<Int> bounds = Fold<Int>(min, max, finite);
  if constexpr (!std::is_floating_point_v<Number>) bounds.finite = kSamplesPerBucket;
  return bounds;
}

template <class Number, class Int>
double ToDouble(Int key) {
  if constexpr (std::is_floating_point_v<Number>) {
    return std::bit_cast<Number>(OrderedKey(key, Int{8 * sizeof(Int) - 1}));
  } else {
    return key;
  }
}

template <class Number>
Extremes ExtremesOfNumbers(const char* values, size_t count) {
  using Int = typename KeyOf<Number>::Type;
  Bounds<Int> bounds;
  if (count == kSamplesPerBucket) {
    bounds = FullBucket<Number, Int>(values);
  } else {
    for (size_t i = 0; i < count; ++i) {
      Include<Number>(LoadLe<Int>(values + i * sizeof(Int)), bounds);
    }
  }
  if (bounds.finite == 0) return {};
  return {bounds.finite, ToDouble<Number>(bounds.min), ToDouble<Number>(bounds.max)};
}

}  // namespace

Extremes ExtremesOf(SampleType type, const char* values, size_t count) {
  switch (type) {
    case SampleType::kInt16:
      return ExtremesOfNumbers<int16_t>(values, count);
    case SampleType::kInt32:
      return ExtremesOfNumbers<int32_t>(values, count);
    case SampleType::kFloat32:
      return ExtremesOfNumbers<float>(values, count);
    case SampleType::kFloat64:
      return ExtremesOfNumbers<double>(values, count);
  }
  return {};
}

}  // namespace tidemark::signal
