#include "tests/bench/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace tidemark::bench {
namespace {

using Json = nlohmann::json;

Json OrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string Shown(const std::optional<double>& value) {
  return value ? fmt::format("{:g}", *value) : "-";
}

Json ToJson(const Figure& figure, const std::string& command) {
  Json limit = nullptr;
  if (!figure.limit_what.empty()) {
    limit = {{"what", figure.limit_what}, {"value", figure.limit_value}};
  }
  return {{"id", figure.id},
          {"value", figure.value},
          {"interval", {figure.interval.first, figure.interval.second}},
          {"unit", figure.unit},
          {"better", figure.better == Better::kHigher ? "higher" : "lower"},
          {"floor", OrNull(figure.floor)},
          {"goal", OrNull(figure.goal)},
          {"limit", limit},
          {"command", command}};
}

}  // namespace

Figure MedianOf(std::string id, std::vector<double> values, std::string unit, Better better) {
  constexpr size_t kValuesForInterval = 8;
  constexpr double kTwoSided95 = 1.96;
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  Figure figure;
  figure.id = std::move(id);
  figure.unit = std::move(unit);
  figure.better = better;
  if (n == 0) return figure;
  figure.value = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  figure.interval = {values.front(), values.back()};
  if (n >= kValuesForInterval) {
    const auto half = static_cast<double>(n) / 2;
    const double reach = kTwoSided95 * std::sqrt(static_cast<double>(n)) / 2;
    const auto low = static_cast<size_t>(std::max(0.0, std::floor(half - reach)));
    const auto high = std::min(n - 1, static_cast<size_t>(std::ceil(half + reach)));
    figure.interval = {values[low], values[high]};
  }
  return figure;
}

bool MissesFloor(const Figure& figure) {
  if (!figure.floor) return false;
  return figure.better == Better::kHigher ? figure.interval.second < *figure.floor
                                          : figure.interval.first > *figure.floor;
}

void PrintFigures(std::span<const Figure> figures) {
  fmt::print("{:<34} {:>10} {:>21} {:<10} {:>8} {:>8}  {}\n", "id", "value", "interval", "unit",
             "floor", "goal", "beside");
  for (const Figure& figure : figures) {
    const std::string beside =
        figure.limit_what.empty()
            ? ""
            : fmt::format("{} = {:.4g}", figure.limit_what, figure.limit_value);
    const std::string interval =
        fmt::format("{:.4g} .. {:.4g}", figure.interval.first, figure.interval.second);
    fmt::print("{:<34} {:>10.4g} {:>21} {:<10} {:>8} {:>8}  {}{}\n", figure.id, figure.value,
               interval, figure.unit, Shown(figure.floor), Shown(figure.goal), beside,
               MissesFloor(figure) ? "  MISSED" : "");
  }
  std::fflush(stdout);
}

absl::Status WriteFigures(std::span<const Figure> figures, const std::string& command,
                          const std::string& path) {
  Json list = Json::array();
  for (const Figure& figure : figures) list.push_back(ToJson(figure, command));
  std::ofstream file(path);
  file << list.dump(2) << '\n';
  file.close();
  if (!file) return absl::UnavailableError(fmt::format("cannot write {}", path));
  return absl::OkStatus();
}

std::string ProcessorLine() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string model = "unknown processor";
  bool has_sha = false;
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    if (line.starts_with("flags")) {
      has_sha = line.find(" sha_ni") != std::string::npos;
      break;
    }
  }
  return fmt::format("{}, {} SHA instructions", model, has_sha ? "with" : "without");
}

}  // namespace tidemark::bench
