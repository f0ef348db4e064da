// Stamps as whole ticks of a power of ten nanoseconds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/signal/int128.h"

namespace tidemark::signal {

inline constexpr size_t kTickExponentMax = 9;  // ticks of 1 ns to 1 s
inline constexpr std::array<int64_t, kTickExponentMax + 1> kTickNs = [] {
  std::array<int64_t, kTickExponentMax + 1> ticks{1};
  for (size_t e = 1; e <= kTickExponentMax; ++e) ticks[e] = 10 * ticks[e - 1];
  return ticks;
}();

// A stamp is phase + 10^exponent * tick, 0 <= phase < 10^exponent.
struct TickScale {
  size_t exponent = 0;
  int64_t phase_ns = 0;

  int64_t tick_ns() const { return kTickNs[exponent]; }
  int64_t TickOf(int64_t stamp) const {
    return stamp / tick_ns() - (stamp % tick_ns() < 0 ? 1 : 0);
  }
  // The stamp of a tick, if that is an int64.
  [[nodiscard]] bool Place(int64_t tick, int64_t& stamp) const {
    // In 64 bits where that is enough: this is most of what decoding stamps does.
    if (!__builtin_mul_overflow(tick, tick_ns(), &stamp) &&
        !__builtin_add_overflow(stamp, phase_ns, &stamp)) {
      return true;
    }
    const Int128 exact = Int128{tick} * tick_ns() + phase_ns;
    stamp = static_cast<int64_t>(exact);
    return stamp == exact;
  }
};

// The coarsest ticks that all stamps (at least one) are whole numbers of.
TickScale TickScaleOf(std::span<const int64_t> stamps);

// The median difference of neighbours, modulo 2^64; 0 for a single tick.
int64_t MedianStep(std::span<const int64_t> ticks);

}  // namespace tidemark::signal
