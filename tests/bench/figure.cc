#include "tests/bench/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tidemark::bench {
namespace {

using Json = nlohmann::ordered_json;

// The largest k so that the k-th smallest and the k-th largest of n values enclose the median of
// what they were drawn from with at least 95 %; 1 when no k does. The number of values below that
// median is binomial with 1/2.
size_t RankOfInterval(size_t n) {
  constexpr double kTail = 0.025;
  double probability = std::ldexp(1.0, -static_cast<int>(n));  // of no value below
  double below = probability;
  size_t rank = 0;
  while (below <= kTail && rank < n) {
    ++rank;
    probability *= static_cast<double>(n - rank + 1) / static_cast<double>(rank);
    below += probability;
  }
  return std::max<size_t>(rank, 1);
}

Json OrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json ToJson(const Figure& figure, const std::string& command) {
  Json interval = nullptr;
  if (figure.interval) interval = {figure.interval->first, figure.interval->second};
  Json limit = nullptr;
  if (figure.limit) limit = {{"what", figure.limit->what}, {"value", figure.limit->value}};
  return {{"id", figure.id},
          {"value", OrNull(figure.value)},
          {"interval", std::move(interval)},
          {"unit", figure.unit},
          {"better", figure.better == Better::kHigher ? "higher" : "lower"},
          {"floor", OrNull(figure.floor)},
          {"goal", OrNull(figure.goal)},
          {"limit", std::move(limit)},
          {"command", command}};
}

}  // namespace

Figure MedianOf(std::string id, std::vector<double> values, std::string unit, Better better) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  Figure figure;
  figure.id = std::move(id);
  figure.unit = std::move(unit);
  figure.better = better;
  if (n == 0) return figure;
  figure.value = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  if (n >= kValuesForInterval) {
    const size_t rank = RankOfInterval(n);
    figure.interval = {values[rank - 1], values[n - rank]};
  }
  return figure;
}

Figure Counted(std::string id, double value, std::string unit, Better better) {
  Figure figure;
  figure.id = std::move(id);
  figure.unit = std::move(unit);
  figure.better = better;
  if (std::isfinite(value)) {
    figure.value = value;
    figure.interval = {value, value};
  }
  return figure;
}

double QuantileOf(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

bool MissesFloor(const Figure& figure) {
  if (!figure.floor) return false;
  if (!figure.interval) return true;
  return figure.better == Better::kHigher ? figure.interval->second < *figure.floor
                                          : figure.interval->first > *figure.floor;
}

std::string FormatNumber(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "-";
}

std::string FormatInterval(const Figure& figure) {
  if (!figure.interval) return "-";
  const auto [low, high] = *figure.interval;
  return low == high ? "counted" : fmt::format("{:.4g} to {:.4g}", low, high);
}

std::string FormatTable(std::span<const Figure> figures, Judge judge) {
  std::string text = fmt::format("{:<38} {:>9} {:>18} {:<9} {:>6} {:>6}  {}\n", "id", "value",
                                 "interval", "unit", "floor", "goal", "beside");
  for (const Figure& figure : figures) {
    std::string line = fmt::format("{:<38} {:>9} {:>18} {:<9} {:>6} {:>6}  ", figure.id,
                                   FormatNumber(figure.value), FormatInterval(figure), figure.unit,
                                   FormatNumber(figure.floor), FormatNumber(figure.goal));
    if (figure.limit) line += fmt::format("{} {:.4g}", figure.limit->what, figure.limit->value);
    if (judge == Judge::kFloors && MissesFloor(figure)) line += "  MISSED";
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string FormatJson(std::span<const Figure> figures, const std::string& command) {
  Json list = Json::array();
  for (const Figure& figure : figures) list.push_back(ToJson(figure, command));
  return list.dump(2) + "\n";
}

std::string MachineLine(std::string_view cpuinfo) {
  std::istringstream lines{std::string(cpuinfo)};
  std::string model = "unknown processor";
  int processors = 0;
  bool has_sha = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("processor")) ++processors;
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    if (line.starts_with("flags") || line.starts_with("Features")) {
      const std::string words = line + " ";
      has_sha =
          words.find(" sha_ni ") != std::string::npos || words.find(" sha2 ") != std::string::npos;
    }
  }
  return fmt::format("{}, {} processor{}, {} SHA instructions", model, processors,
                     processors == 1 ? "" : "s", has_sha ? "with" : "without");
}

}  // namespace tidemark::bench
