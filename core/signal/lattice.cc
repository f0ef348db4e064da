#include "core/signal/lattice.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace tidemark::signal {
namespace {

// A point says something about the step only if its error is small beside it.
constexpr double kErrorShareMax = 0.125;
// Beyond so many steps a float of 24 bits stores no fewer bits than it has.
constexpr double kStepsMax = 1 << 24;
// Each restart at least halves the step, so that this many exhaust kStepsMax.
constexpr int kRestartsMax = 28;

enum class Fit { kFits, kAmbiguous, kMisfits };

// Narrows `range` by a point that is a multiple of some step in it.
Fit Narrow(const LatticePoint& point, StepRange& range) {
  const double least = std::ceil((point.distance - point.error) / range.high);
  const double most = std::floor((point.distance + point.error) / range.low);
  if (least > most) return Fit::kMisfits;
  if (least < most) return Fit::kAmbiguous;
  if (least < 1) return Fit::kMisfits;
  const double low = std::max(range.low, (point.distance - point.error) / least);
  const double high = std::min(range.high, (point.distance + point.error) / least);
  if (low > high) return Fit::kMisfits;
  range = {low, high};
  return Fit::kFits;
}

// What is left of a point after whole steps: one move of Euclid's algorithm, with its error.
std::optional<StepRange> Remainder(const LatticePoint& point, const StepRange& range) {
  const double steps = std::round(point.distance / range.middle());
  const double rest = std::abs(point.distance - steps * range.middle());
  const double error = point.error + steps * (range.high - range.low) / 2;
  if (error > rest * kErrorShareMax) return std::nullopt;
  return StepRange{rest - error, rest + error};
}

}  // namespace

std::optional<StepRange> FindStep(std::span<LatticePoint> points) {
  std::sort(points.begin(), points.end(),
            [](const LatticePoint& a, const LatticePoint& b) { return a.distance < b.distance; });
  const auto first = std::find_if(points.begin(), points.end(), [](const LatticePoint& point) {
    return point.error < point.distance * kErrorShareMax;
  });
  if (first == points.end()) return std::nullopt;
  if (!std::isfinite(points.back().distance + points.back().error)) return std::nullopt;
  StepRange range{first->distance - first->error, first->distance + first->error};
  for (int restart = 0; restart < kRestartsMax; ++restart) {
    if (points.back().distance > range.low * kStepsMax) return std::nullopt;
    const auto misfit = std::find_if(first, points.end(), [&range](const LatticePoint& point) {
      return Narrow(point, range) == Fit::kMisfits;
    });
    if (misfit == points.end()) return range;
    const std::optional<StepRange> finer = Remainder(*misfit, range);
    if (!finer) return std::nullopt;
    range = *finer;
  }
  return std::nullopt;
}

double ShortestIn(const StepRange& range) {
  // Bit patterns of positive doubles are ordered as their values are: keep the bits both ends
  // share, and the first one in which they differ.
  const auto low = std::bit_cast<uint64_t>(range.low);
  const auto high = std::bit_cast<uint64_t>(range.high);
  if (low >= high) return range.low;
  const int kept_from = static_cast<int>(std::bit_width(low ^ high)) - 1;
  return std::bit_cast<double>(high >> kept_from << kept_from);
}

}  // namespace tidemark::signal
