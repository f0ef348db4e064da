#include "core/signal/disguise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

#include "base/endian.h"
#include "core/signal/lattice.h"

namespace tidemark::signal {
namespace {

constexpr size_t kSampleMax = 96;
// Decimal places that are tried, fewest first.
constexpr int kDecimalsMax = 9;
// Values are checked in groups, so that a group without exceptions costs no branch per value.
constexpr size_t kGroup = 128;
// More exceptional runs than a share of the values (and a few) are cheaper as plain floats.
constexpr size_t kExceptionalShare = 16;
constexpr size_t kExceptionalFew = 4;

template <class Float>
using BitsOf = std::conditional_t<sizeof(Float) == 4, uint32_t, uint64_t>;

template <class Float>
bool SameBits(Float a, Float b) {
  return std::bit_cast<BitsOf<Float>>(a) == std::bit_cast<BitsOf<Float>>(b);
}

// Integers beyond this are no shorter than the floats themselves, and would meet a float32 on any
// fine enough decimal grid by chance.
template <class Float>
constexpr double kIntegerMax = sizeof(Float) == 4 ? (1 << 23) - 1 : (1 << 30) - 1;

template <class Float>
constexpr bool IsOrdinary(Float value) {
  return std::isfinite(value) && !(value == 0 && std::signbit(value));
}

// Rounds |value| < 2^51 to the nearest integer with two additions, which vectorise.
double Round(double value) {
  constexpr double kMagic = 0x1.8p52;
  return (value + kMagic) - kMagic;
}

// The integer that `value` most likely stands for; 0 where it cannot be one.
template <class Float>
int32_t IntegerOf(Float value, double inverse) {
  const double k = static_cast<double>(value) * inverse;
  return std::abs(k) <= kIntegerMax<Float> ? static_cast<int32_t>(Round(k)) : 0;
}

double InverseOf(const Formula& formula) {
  return formula.operation == Operation::kTimes ? 1 / formula.factor : formula.factor;
}

template <class Float>
bool Explains(const Formula& formula, Float value) {
  return SameBits(formula.Apply<Float>(IntegerOf(value, InverseOf(formula))), value);
}

// Ordinary values from all over the channel.
template <class Float>
std::vector<Float> Sample(const char* values, size_t count) {
  std::vector<Float> sample;
  sample.reserve(kSampleMax);
  const size_t stride = std::max<size_t>(1, count / kSampleMax);
  for (size_t i = 0; i < count && sample.size() < kSampleMax; i += stride) {
    const Float value = LoadLe<Float>(values + i * sizeof(Float));
    if (IsOrdinary(value)) sample.push_back(value);
  }
  return sample;
}

// The coarsest decimal grid that holds the sample.
template <class Float>
std::optional<Formula> DecimalFormula(std::span<const Float> sample) {
  Formula formula{Operation::kOver, 1};
  for (int decimals = 0; decimals <= kDecimalsMax; ++decimals, formula.factor *= 10) {
    if (std::all_of(sample.begin(), sample.end(),
                    [&](Float value) { return Explains(formula, value); })) {
      return formula;
    }
  }
  return std::nullopt;
}

// Half the distance to the next float: by so much rounding moved the value at most. Twice the whole
// distance for double, which has no wider type to compute in.
template <class Float>
double RoundingError(Float value) {
  using Limits = std::numeric_limits<Float>;
  constexpr auto kExponent = std::bit_cast<BitsOf<Float>>(Limits::infinity());
  // The power of two at or below the value.
  const auto power = std::bit_cast<Float>(std::bit_cast<BitsOf<Float>>(value) & kExponent);
  constexpr double kUlps = sizeof(Float) == 4 ? 0.5 : 2;
  return kUlps *
         std::max<double>(static_cast<double>(power) * Limits::epsilon(), Limits::denorm_min());
}

// Distances of the sampled values from zero and from one another.
template <class Float>
std::vector<LatticePoint> PointsOf(std::vector<Float> sample) {
  std::sort(sample.begin(), sample.end());
  sample.erase(std::unique(sample.begin(), sample.end()), sample.end());
  std::vector<LatticePoint> points;
  points.reserve(2 * sample.size());
  for (size_t i = 0; i < sample.size(); ++i) {
    const double value = sample[i];
    const double error = RoundingError(sample[i]);
    if (value != 0) points.push_back({std::abs(value), error});
    if (i > 0) points.push_back({value - sample[i - 1], error + RoundingError(sample[i - 1])});
  }
  return points;
}

// The steps in `range` that give every ordinary value, were there no exceptions at all.
template <class Float>
StepRange RefineOverAll(const char* values, size_t count, const StepRange& range) {
  const double inverse = 1 / range.middle();
  StepRange refined = range;
  for (size_t i = 0; i < count; ++i) {
    const Float value = LoadLe<Float>(values + i * sizeof(Float));
    const double distance = std::abs(static_cast<double>(value));
    const double steps = Round(distance * inverse);
    if (!(steps >= 1) || steps > kIntegerMax<Float>) continue;
    const double error = RoundingError(value);
    refined.low = std::max(refined.low, (distance - error) / steps);
    refined.high = std::min(refined.high, (distance + error) / steps);
  }
  return refined;
}

// Takes values that the formula cannot give into runs.
template <class Float>
class ExceptionalRuns {
 public:
  explicit ExceptionalRuns(size_t count) : runs_max_(kExceptionalFew + count / kExceptionalShare) {}

  // False when there are too many.
  [[nodiscard]] bool Add(size_t index, Float value) {
    if (!runs_.empty()) {
      Exceptional<Float>& last = runs_.back();
      if (last.begin + last.count == index && SameBits(last.value, value)) {
        ++last.count;
        return true;
      }
    }
    runs_.push_back({index, 1, value});
    return runs_.size() <= runs_max_;
  }
  std::vector<Exceptional<Float>> Take() && { return std::move(runs_); }

 private:
  size_t runs_max_;
  std::vector<Exceptional<Float>> runs_;
};

// Applies the formula backwards and forwards to a full group; true if every bit came back.
template <class Float, Operation kOperation>
bool UnmaskGroup(const Float* values, double factor, double inverse, int32_t* integers) {
  BitsOf<Float> differences = 0;
  for (size_t i = 0; i < kGroup; ++i) {
    const double k = static_cast<double>(values[i]) * inverse;
    // The comparison is false for NaN as well.
    const double bounded = std::abs(k) <= kIntegerMax<Float> ? k : 0.0;
    const double rounded = Round(bounded);
    const double again = kOperation == Operation::kTimes ? rounded * factor : rounded / factor;
    integers[i] = static_cast<int32_t>(rounded);
    differences |= std::bit_cast<BitsOf<Float>>(values[i]) ^
                   std::bit_cast<BitsOf<Float>>(static_cast<Float>(again + 0.0));
  }
  return differences == 0;
}

template <class Float>
bool UnmaskGroup(const Formula& formula, const Float* values, int32_t* integers) {
  const double inverse = InverseOf(formula);
  return formula.operation == Operation::kTimes
             ? UnmaskGroup<Float, Operation::kTimes>(values, formula.factor, inverse, integers)
             : UnmaskGroup<Float, Operation::kOver>(values, formula.factor, inverse, integers);
}

// An exceptional run at the very front has no integer before it: takes the one after it.
template <class Float>
void ContinueBackwards(Unmasked<Float>& unmasked) {
  size_t front = 0;
  for (const Exceptional<Float>& run : unmasked.exceptional) {
    if (run.begin != front) break;
    front += run.count;
  }
  if (front == unmasked.integers.size()) return;
  std::fill_n(unmasked.integers.begin(), front, unmasked.integers[front]);
}

// Checks the formula on every value.
template <class Float>
std::optional<Unmasked<Float>> Verify(const Formula& formula, const char* values, size_t count) {
  Unmasked<Float> unmasked{.formula = formula};
  // A whole number of groups, so that the last one needs no special case.
  unmasked.integers.resize((count + kGroup - 1) / kGroup * kGroup);
  ExceptionalRuns<Float> exceptional(count);
  const double inverse = InverseOf(formula);
  int32_t last = 0;
  for (size_t begin = 0; begin < count; begin += kGroup) {
    const size_t n = std::min(kGroup, count - begin);
    std::array<Float, kGroup> group{};
    std::memcpy(group.data(), values + begin * sizeof(Float), n * sizeof(Float));
    int32_t* integers = unmasked.integers.data() + begin;
    if (!UnmaskGroup(formula, group.data(), integers)) {
      for (size_t i = 0; i < n; ++i) {
        if (Explains(formula, group[i])) {
          integers[i] = last = IntegerOf(group[i], inverse);
        } else {
          integers[i] = last;
          if (!exceptional.Add(begin + i, group[i])) return std::nullopt;
        }
      }
    }
    last = integers[n - 1];
  }
  unmasked.integers.resize(count);
  unmasked.exceptional = std::move(exceptional).Take();
  ContinueBackwards(unmasked);
  return unmasked;
}

// Finds the scale from the sample, and narrows it over all values if that one does not hold.
template <class Float>
std::optional<Unmasked<Float>> UnmaskScaled(std::span<const Float> sample, const char* values,
                                            size_t count) {
  std::vector<LatticePoint> points = PointsOf<Float>({sample.begin(), sample.end()});
  const std::optional<StepRange> range = FindStep(points);
  if (!range || points.back().distance > range->middle() * kIntegerMax<Float>) return std::nullopt;
  const Formula guess{Operation::kTimes, ShortestIn(*range)};
  if (auto unmasked = Verify<Float>(guess, values, count);
      unmasked && unmasked->exceptional.empty()) {
    return unmasked;
  }
  const StepRange refined = RefineOverAll<Float>(values, count, *range);
  const bool narrowed = refined.low <= refined.high;
  return Verify<Float>({Operation::kTimes, ShortestIn(narrowed ? refined : *range)}, values, count);
}

}  // namespace

template <class Float>
std::optional<Unmasked<Float>> Unmask(const char* values, size_t count) {
  const std::vector<Float> sample = Sample<Float>(values, count);
  if (sample.empty()) return std::nullopt;
  if (const auto decimal = DecimalFormula<Float>(sample)) {
    if (auto unmasked = Verify<Float>(*decimal, values, count)) return unmasked;
  }
  return UnmaskScaled<Float>(sample, values, count);
}

template std::optional<Unmasked<float>> Unmask<float>(const char*, size_t);
template std::optional<Unmasked<double>> Unmask<double>(const char*, size_t);

}  // namespace tidemark::signal
