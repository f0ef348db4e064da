#include "cli/plot/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "absl/time/time.h"

namespace tidemark::cli {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

constexpr std::array<int64_t, 31> kTimeSteps = {
    1'000,        10'000,       100'000,      kMs,          2 * kMs,   5 * kMs,     10 * kMs,
    20 * kMs,     50 * kMs,     100 * kMs,    200 * kMs,    500 * kMs, kSecond,     2 * kSecond,
    5 * kSecond,  10 * kSecond, 15 * kSecond, 30 * kSecond, kMinute,   2 * kMinute, 5 * kMinute,
    10 * kMinute, 15 * kMinute, 30 * kMinute, kHour,        2 * kHour, 3 * kHour,   6 * kHour,
    12 * kHour,   kDay,         7 * kDay};

int64_t FloorTo(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

std::string Format(const char* format, int64_t t_ns) {
  return absl::FormatTime(format, absl::FromUnixNanos(t_ns), absl::UTCTimeZone());
}

std::string TickText(int64_t t_ns, int64_t step_ns) {
  if (step_ns >= kDay) return Format("%Y-%m-%d", t_ns);
  if (t_ns % kDay == 0) return Format("%b %e", t_ns);
  if (step_ns >= kMinute) return Format("%H:%M", t_ns);
  if (step_ns >= kSecond) return Format("%H:%M:%S", t_ns);
  if (step_ns >= kMs) return Format("%M:%E3S", t_ns);
  return Format("%M:%E6S", t_ns);
}

}  // namespace

std::vector<ValueTick> ValueTicks(double low, double high, int wanted) {
  const double rough = (high - low) / std::max(wanted, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  std::vector<ValueTick> ticks;
  if (!std::isfinite(rough) || !(power > 0)) return ticks;
  const double part = rough / power;
  const double step = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
  const int digits = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  const double first = std::ceil(low / step - 1e-9);
  for (double k = first; k * step <= high + 1e-9 * step; ++k) {
    // Far from zero a step may be below what a double can tell apart.
    if (!ticks.empty() && k * step <= ticks.back().value) break;
    const double value = k == 0 ? 0 : k * step;
    const bool large = std::abs(value) >= 1e7;
    ticks.push_back(
        {value, large ? fmt::format("{:.6g}", value) : fmt::format("{:.{}f}", value, digits)});
  }
  return ticks;
}

std::vector<TimeTick> TimeTicks(int64_t begin_ns, int64_t end_ns, int most) {
  const double span = static_cast<double>(end_ns) - static_cast<double>(begin_ns);
  const auto fits = [&](int64_t step) { return span / static_cast<double>(step) <= most - 1; };
  const auto found = std::find_if(kTimeSteps.begin(), kTimeSteps.end(), fits);
  int64_t step = found == kTimeSteps.end() ? 30 * kDay : *found;
  while (!fits(step) && step < std::numeric_limits<int64_t>::max() / 4) step *= 2;
  std::vector<TimeTick> ticks;
  if (begin_ns < std::numeric_limits<int64_t>::min() + step) return ticks;
  int64_t t_ns = FloorTo(begin_ns, step);
  if (t_ns < begin_ns && __builtin_add_overflow(t_ns, step, &t_ns)) return ticks;
  while (t_ns <= end_ns) {
    ticks.push_back({t_ns, TickText(t_ns, step)});
    if (__builtin_add_overflow(t_ns, step, &t_ns)) break;
  }
  return ticks;
}

std::string UtcText(int64_t t_ns) {
  return Format(t_ns % kSecond == 0 ? "%Y-%m-%d %H:%M:%S UTC" : "%Y-%m-%d %H:%M:%E3S UTC", t_ns);
}

}  // namespace tidemark::cli
