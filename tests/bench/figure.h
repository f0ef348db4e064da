// One measured number, what it is judged by, and how a run of them is shown (DESIGN §9).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::bench {

enum class Better { kHigher, kLower };

// What a figure stands beside: a bound of the machine, or a peer, measured in the same run.
struct Limit {
  std::string what;
  double value = 0;
};

struct Figure {
  std::string id;                                     // of an issue; its meaning never changes
  std::optional<double> value;                        // none where it is undefined, never 0
  std::optional<std::pair<double, double>> interval;  // about 95 % of the value; equal: counted
  std::string unit;
  Better better = Better::kLower;
  std::optional<double> floor;
  std::optional<double> goal;
  std::optional<Limit> limit;
};

// With fewer values a median says nothing about its own spread.
inline constexpr size_t kValuesForInterval = 5;

// The median of `values`. Its interval lies between the two order statistics that hold the true
// median with at least 95 % (binomial, exact): the extremes for up to 8 values, which for 5 of them
// hold it with 94 %. No interval for fewer than 5 values, and no value for none.
Figure MedianOf(std::string id, std::vector<double> values, std::string unit, Better better);

// A number that was counted, not sampled; none if it is not finite.
Figure Counted(std::string id, double value, std::string unit, Better better);

// Only when the whole interval is on the wrong side of the floor. A figure with a floor and without
// an interval misses it, too: nothing was shown.
bool MissesFloor(const Figure& figure);

// The value of rank floor(q * (n - 1)), q in [0, 1]; 0 for no values.
double QuantileOf(std::vector<double> values, double q);

enum class Judge { kFloors, kNothing };

// A table for a terminal, with a line for the heading; what missed its floor is marked.
std::string FormatTable(std::span<const Figure> figures, Judge judge);

// The JSON list of DESIGN §9; `command` is what repeats the run.
std::string FormatJson(std::span<const Figure> figures, const std::string& command);

// Up to four digits, "-" for none.
std::string FormatNumber(const std::optional<double>& value);
std::string FormatInterval(const Figure& figure);

// The machine as /proc/cpuinfo has it: model, number of processors, SHA-256 instructions.
std::string MachineLine(std::string_view cpuinfo);

}  // namespace tidemark::bench
