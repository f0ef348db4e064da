#include "tests/bench/rounds.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace tidemark::bench {

absl::StatusOr<std::vector<std::vector<double>>> RunRounds(
    std::span<const Cell> cells, int rounds, absl::FunctionRef<absl::Status()> before) {
  std::vector<std::vector<double>> values(cells.size());
  for (int round = -1; round < rounds; ++round) {
    for (size_t turn = 0; turn < cells.size(); ++turn) {
      const size_t cell = (turn + static_cast<size_t>(round + 1)) % cells.size();
      TM_RETURN_IF_ERROR(before());
      TM_ASSIGN_OR_RETURN(const double value, cells[cell]());
      if (round >= 0) values[cell].push_back(value);
    }
  }
  return values;
}

Figure RatioOf(std::string id, std::span<const double> ours, std::span<const double> limits,
               Better better, const Aim& aim, std::string limit_name, double limit_unit) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(ours.size(), limits.size()); ++i) {
    ratios.push_back(ours[i] / limits[i]);
  }
  Figure figure = MedianOf(std::move(id), std::move(ratios), "ratio", better);
  figure.floor = aim.floor;
  figure.goal = aim.goal;
  figure.limit =
      Limit{std::move(limit_name), QuantileOf({limits.begin(), limits.end()}, 0.5) / limit_unit};
  return figure;
}

}  // namespace tidemark::bench
