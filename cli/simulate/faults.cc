#include "cli/simulate/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace tidemark::cli {
namespace {

constexpr double kFaultEveryS = 240;
constexpr double kLongLossChance = 0.1;

}  // namespace

std::string_view NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kLost: return "lost";
    case FaultKind::kRepeatedStamp: return "repeated_stamp";
    case FaultKind::kNotANumber: return "nan";
  }
  return "";
}

FaultPlan::FaultPlan(const SimulateOptions& options, int participant, std::string_view stream,
                     const FaultRates& rates)
    : random_(options.seed, participant, fmt::format("faults/{}", stream)),
      rates_(rates),
      enabled_(options.faults) {
  Next();
}

void FaultPlan::Next() {
  if (!enabled_) {
    current_ = {.first = std::numeric_limits<uint64_t>::max(), .count = 0};
    return;
  }
  const auto samples = [&](double seconds) {
    return std::max<uint64_t>(1, static_cast<uint64_t>(seconds * rates_.rate_hz));
  };
  // A healthy stretch stands before, between and after faults.
  current_.first = current_.end() + 2 + samples(2 + random_.Exponential(kFaultEveryS));
  const double which = random_.Unit();
  if (which < 0.3 && rates_.may_repeat) {
    current_.kind = FaultKind::kRepeatedStamp;
    current_.count = 1 + random_.Below(5);
  } else if (which < 0.6 && rates_.may_be_nan) {
    current_.kind = FaultKind::kNotANumber;
    current_.count = samples(random_.Between(0.05, 3));
  } else {
    current_.kind = FaultKind::kLost;
    const bool is_long = random_.Chance(kLongLossChance);
    current_.count = samples(is_long ? random_.Between(20, 150) : random_.Between(0.05, 2.5));
  }
}

}  // namespace tidemark::cli
