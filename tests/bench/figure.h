// One measured number, and how a run of them is shown and written (DESIGN §9).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace tidemark::bench {

enum class Better { kHigher, kLower };

struct Figure {
  std::string id;
  double value = 0;
  std::pair<double, double> interval;  // 95 % of the value
  std::string unit;
  Better better = Better::kLower;
  std::optional<double> floor;
  std::optional<double> goal;
  // What it was measured beside: a name and its value, if it is a ratio.
  std::string limit_what;
  double limit_value = 0;
};

// The median of `values` with the interval of its order statistics that holds it in about 95 % of
// samples (binomial, normal approximation); the extremes for fewer than 8 values.
Figure MedianOf(std::string id, std::vector<double> values, std::string unit, Better better);

// A floor is missed only when the whole interval is on its wrong side.
bool MissesFloor(const Figure& figure);

void PrintFigures(std::span<const Figure> figures);
absl::Status WriteFigures(std::span<const Figure> figures, const std::string& command,
                          const std::string& path);

// The model of the processor, and whether it has instructions for SHA-256.
std::string ProcessorLine();

}  // namespace tidemark::bench
