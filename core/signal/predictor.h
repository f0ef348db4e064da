// Linear prediction of integers from the ones before them, exactly undone.
//
// A channel is cut into up to kLanes lanes, runs of consecutive values that are predicted apart, so
// that a decoder can work on all of them at once. Within a lane, spans of kSpan values choose one
// of a few predictors.
//
//   lane l    values [l * LaneValues(n), (l + 1) * LaneValues(n)) of n
//   value 0   of a lane is predicted by the lane's head, which is that value itself
//   value 1   by value 0
//   values 2 ... kWarmUp - 1   by the straight line through the two values before
//   others    by floor((sum of coefficient[j] * value[i - 1 - j] + 2^shift / 2) / 2^shift), exact,
//             clamped to the range of the type
// With no taps at all every value is predicted to be zero. A residual is value - prediction, and
// wraps around at the width of the type, so every input is legal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tidemark::signal {

inline constexpr size_t kLanes = 8;
inline constexpr size_t kSpan = 64;
inline constexpr size_t kWarmUp = 16;
inline constexpr size_t kTapsMax = 8;
inline constexpr size_t kPredictorsMax = 16;
inline constexpr int kShiftMax = 14;
// The sum of |coefficient|: so that sums over int16 fit 32 bits.
inline constexpr int kCoefficientSumMax = 65535;

// A multiple of kSpan; values of lanes behind the last value do not exist.
constexpr size_t LaneValues(size_t count) {
  return (count + kLanes * kSpan - 1) / (kLanes * kSpan) * kSpan;
}
constexpr size_t LaneCount(size_t count) {
  return count == 0 ? 0 : (count + LaneValues(count) - 1) / LaneValues(count);
}
constexpr size_t SpanCount(size_t count) { return (count + kSpan - 1) / kSpan; }

// Coefficient 0 belongs to the value before.
using Coefficients = std::array<int16_t, kTapsMax>;

struct Predictors {
  size_t taps = 0;  // 0, 2, 4 or 8
  int shift = 0;
  std::vector<Coefficients> book{};  // at least one, unless there are no taps; unused ones are zero
  std::vector<uint8_t> choices{};    // an index into book per span of the channel
};

// Int: int16_t or int32_t. `residuals` has as many elements as `values`.
template <class Int>
void Predict(const Predictors& predictors, std::span<const Int> values, std::span<Int> residuals);

// The inverse, in place: `values` holds the residuals of `count` values first. It has
// kLanes * LaneValues(count) elements, those behind the last value of any content and free to be
// overwritten. `heads` has a value per lane that exists (none without taps). The sums of the
// coefficients keep to kCoefficientSumMax.
template <class Int>
void Unpredict(const Predictors& predictors, std::span<const Int> heads, size_t count,
               std::span<Int> values);

}  // namespace tidemark::signal
