#include "cli/simulate/faults.h"

#include <algorithm>

namespace tidemark::cli {
namespace {

constexpr double kFaultEveryS = 240;
constexpr double kLongLossChance = 0.1;

}  // namespace

std::string_view NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kLost:
      return "lost";
    case FaultKind::kRepeatedStamp:
      return "repeated_stamp";
    case FaultKind::kNotANumber:
      return "nan";
  }
  return "";
}

FaultPlan::FaultPlan(const SimulateOptions& options, int participant, const std::string& name,
                     const FaultRates& rates, uint64_t samples)
    : random_(options.seed, participant, "faults/" + name),
      rates_(rates),
      samples_(options.faults ? samples : 0) {
  Next();
}

void FaultPlan::Next() {
  const auto samples = [&](double seconds) {
    return std::max<uint64_t>(1, static_cast<uint64_t>(seconds * rates_.rate_hz));
  };
  // A healthy stretch stands before and between faults.
  Fault fault{.first = planned_until_ + 2 + samples(2 + random_.Exponential(kFaultEveryS))};
  const double which = random_.Unit();
  if (which < 0.3 && rates_.may_repeat) {
    fault.kind = FaultKind::kRepeatedStamp;
    fault.count = 1 + random_.Below(5);
  } else if (which < 0.6 && rates_.may_be_nan) {
    fault.kind = FaultKind::kNotANumber;
    fault.count = samples(random_.Between(0.05, 3));
  } else {
    const bool is_long = random_.Chance(kLongLossChance);
    fault.count = samples(is_long ? random_.Between(20, 150) : random_.Between(0.05, 2.5));
  }
  planned_until_ = fault.end();
  current_.reset();
  if (fault.first >= samples_) return;
  fault.count = std::min(fault.count, samples_ - fault.first);
  current_ = fault;
}

}  // namespace tidemark::cli
