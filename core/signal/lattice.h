// Finds the step of a lattice from points that are known with an error each.
#pragma once

#include <optional>
#include <span>

namespace tidemark::signal {

// All steps in [low, high] explain the points.
struct StepRange {
  double low = 0;
  double high = 0;
  double middle() const { return low + (high - low) / 2; }
};

// `distance` > 0 is a multiple of the step, known to within `error`.
struct LatticePoint {
  double distance = 0;
  double error = 0;
};

// The largest step of which every distance is a multiple, if there is one that stands out from the
// errors. Sorts `points`.
std::optional<StepRange> FindStep(std::span<LatticePoint> points);

// The number in the range with the shortest binary fraction: a scale that was itself a float or a
// power of two is met exactly.
double ShortestIn(const StepRange& range);

}  // namespace tidemark::signal
