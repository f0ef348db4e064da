// Cells of a measurement that take turns, and what their values are to each other.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/figure.h"

namespace tidemark::bench {

// Runs once and says its value: a rate, a time.
using Cell = std::function<absl::StatusOr<double>()>;

// Values of each cell, one per round. Before the first round each cell runs once without counting;
// `before` comes before every run. Who begins a round changes from one to the next.
absl::StatusOr<std::vector<std::vector<double>>> RunRounds(
    std::span<const Cell> cells, int rounds, absl::FunctionRef<absl::Status()> before);

// What a figure is judged by; no floor: shown only.
struct Aim {
  std::optional<double> floor;
  std::optional<double> goal;
};

// The median of ours[i] / limits[i], beside the median limit.
Figure RatioOf(std::string id, std::span<const double> ours, std::span<const double> limits,
               Better better, const Aim& aim, std::string limit_name, double limit_unit = 1);

}  // namespace tidemark::bench
