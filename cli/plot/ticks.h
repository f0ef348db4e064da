// Where the ticks of an axis stand, and what is written beside them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::cli {

struct ValueTick {
  double value = 0;
  std::string text;
};
struct TimeTick {
  int64_t t_ns = 0;
  std::string text;
};

// Multiples of 1, 2 or 5 times a power of ten in [low, high], about `wanted` of them; low < high,
// both finite.
std::vector<ValueTick> ValueTicks(double low, double high, int wanted);

// Round instants of UTC in [begin, end], at most `most` of them; begin < end. The text says what
// changes from tick to tick: the date, the time of day, or parts of a second.
std::vector<TimeTick> TimeTicks(int64_t begin_ns, int64_t end_ns, int most);

// "2026-01-01 09:00:00 UTC", with parts of a second where there are any.
std::string UtcText(int64_t t_ns);

}  // namespace tidemark::cli
