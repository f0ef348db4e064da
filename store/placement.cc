#include "store/placement.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/signal/int128.h"

namespace tidemark::store {
namespace {

constexpr double kPpb = 1e9;

int64_t Saturated(signal::Int128 value) {
  constexpr signal::Int128 kMin = std::numeric_limits<int64_t>::min();
  constexpr signal::Int128 kMax = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(value < kMin ? kMin : (value > kMax ? kMax : value));
}

// `from` + (value - `base`) * (1 + slope). The product with the small slope alone is rounded, in
// extended precision, so that nanoseconds survive decades.
int64_t OnLine(int64_t value, int64_t base, int64_t from, long double slope) {
  const signal::Int128 distance = static_cast<signal::Int128>(value) - base;
  const signal::Int128 bend = slope == 0 ? signal::Int128{0}
                                         : static_cast<signal::Int128>(std::floor(
                                               static_cast<long double>(distance) * slope + 0.5L));
  return Saturated(static_cast<signal::Int128>(from) + distance + bend);
}

}  // namespace

int64_t Placement::ToStudy(int64_t device_ns) const {
  return OnLine(device_ns, anchor_device_ns, anchor_study_ns,
                static_cast<long double>(rate_ppb) / kPpb);
}

signal::TimeRange Placement::ToStudySpan(int64_t first_ns, int64_t last_ns) const {
  constexpr int64_t kEndMax = std::numeric_limits<int64_t>::max();
  return {std::min(ToStudy(first_ns), kEndMax - 1), std::min(ToStudy(last_ns), kEndMax - 1) + 1};
}

int64_t Placement::ToDevice(int64_t study_ns) const {
  const long double slope = static_cast<long double>(rate_ppb) / kPpb;
  return OnLine(study_ns, anchor_study_ns, anchor_device_ns, -slope / (1 + slope));
}

}  // namespace tidemark::store
