#include "cli/simulate/schedule.h"

#include <algorithm>
#include <cmath>

namespace tidemark::cli {
namespace {

constexpr int64_t kTapMarginNs = 2'000'000'000;  // taps keep clear of the borders of an interval
constexpr double kTapEveryS = 90;

}  // namespace

std::string_view NameOf(Activity activity) {
  switch (activity) {
    case Activity::kSitting:
      return "sitting";
    case Activity::kStanding:
      return "standing";
    case Activity::kWalking:
      return "walking";
    case Activity::kStandingUp:
      return "standing_up";
    case Activity::kSittingDown:
      return "sitting_down";
  }
  return "";
}

std::string_view NameOf(Posture posture) {
  switch (posture) {
    case Posture::kTable:
      return "table";
    case Posture::kLap:
      return "lap";
    case Posture::kHanging:
      return "hanging";
    case Posture::kRaised:
      return "raised";
    case Posture::kOff:
      return "not_worn";
  }
  return "";
}

int64_t EndNs(const SimulateOptions& options) {
  return static_cast<int64_t>(std::llround(options.hours * 3600 * kNsPerS));
}

Schedule::Schedule(const SimulateOptions& options, int participant)
    : random_(options.seed, participant, "schedule"), end_ns_(EndNs(options)) {
  cadence_hz_ = random_.Between(1.65, 2.0);
  Sit();
  Advance();
}

const Interval& Schedule::At(int64_t t_ns) {
  while (t_ns >= current_.end_ns && current_.end_ns < end_ns_) Advance();
  return current_;
}

void Schedule::Advance() {
  if (planned_.empty()) Plan();
  current_ = planned_.front();
  planned_.pop_front();
  current_.end_ns = std::min(current_.end_ns, end_ns_);
  AddTaps(current_);
}

// One round: get up, stand or walk about, sit down again, sit for a while.
void Schedule::Plan() {
  Push(Activity::kStandingUp, Posture::kLap, random_.Between(1.6, 2.6));
  Push(Activity::kStanding, Posture::kHanging, random_.Between(2, 15));
  for (uint64_t legs = 1 + random_.Below(3); legs > 0; --legs) {
    Push(Activity::kWalking, Posture::kHanging, std::min(15 + random_.Exponential(60), 400.0));
    const bool looks_at_watch = random_.Chance(0.3);
    Push(Activity::kStanding, looks_at_watch ? Posture::kRaised : Posture::kHanging,
         random_.Between(3, 40));
  }
  Push(Activity::kSittingDown, Posture::kHanging, random_.Between(1.8, 2.8));
  Sit();
}

// A stay on a chair is a row of postures.
void Schedule::Sit() {
  if (random_.Chance(0.05)) {
    Push(Activity::kSitting, Posture::kOff, random_.Between(180, 480));
    Push(Activity::kSitting, Posture::kTable, random_.Between(30, 90));
    return;
  }
  double seconds = random_.Between(60, 420);
  while (seconds > 0) {
    const double stay = std::min(seconds, random_.Between(20, 120));
    const double which = random_.Unit();
    const Posture posture = which < 0.5    ? Posture::kTable
                            : which < 0.85 ? Posture::kLap
                                           : Posture::kRaised;
    Push(Activity::kSitting, posture, std::max(stay, 5.0));
    seconds -= stay;
  }
}

void Schedule::Push(Activity activity, Posture posture, double seconds) {
  Interval interval{.begin_ns = planned_until_ns_, .activity = activity, .posture = posture};
  planned_until_ns_ += static_cast<int64_t>(seconds * kNsPerS);
  interval.end_ns = planned_until_ns_;
  if (activity == Activity::kWalking) {
    interval.cadence_hz = cadence_hz_ * (1 + 0.04 * random_.Normal());
  }
  planned_.push_back(interval);
}

void Schedule::AddTaps(const Interval& interval) {
  const bool still =
      interval.activity == Activity::kSitting || interval.activity == Activity::kStanding;
  if (!still || interval.posture == Posture::kOff) return;
  int64_t t_ns = interval.begin_ns;
  for (;;) {
    t_ns += kTapMarginNs + static_cast<int64_t>(random_.Exponential(kTapEveryS) * kNsPerS);
    if (t_ns > interval.end_ns - kTapMarginNs) return;
    taps_.push_back({.t_ns = t_ns, .is_double = random_.Chance(0.5)});
  }
}

}  // namespace tidemark::cli
