// How work that takes long leaves room for others: in small steps, with pauses in proportion.
#pragma once

#include <functional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace tidemark::study {

struct PaceLimits {
  // A step that takes longer than this makes the next one smaller, one that takes less than half of
  // it larger: it is what somebody else's commit may meet.
  absl::Duration step_goal = absl::Milliseconds(4);
  // The part of the time that steps take, pauses the rest.
  double busy_share = 0.2;
  absl::Duration pause_max = absl::Seconds(1);
  int rows_first = 128;
  int rows_min = 16;
  int rows_max = 2'000;
};

// The pace of one job, in the hands of one thread. `clock` outlives it; `wait` does the pausing.
class PolitePace {
 public:
  using Wait = std::function<void(absl::Duration)>;
  PolitePace(const PaceLimits& limits, const Clock* clock, Wait wait)
      : limits_(limits), clock_(clock), wait_(std::move(wait)), rows_(limits.rows_first) {}

  // How many rows the next step takes.
  int rows() const { return rows_; }

  // Takes one step and then pauses, unless the step fails.
  absl::Status Step(absl::FunctionRef<absl::Status()> step);

 private:
  void Adapt(absl::Duration took);

  const PaceLimits limits_;
  const Clock* const clock_;
  const Wait wait_;
  int rows_;
};

}  // namespace tidemark::study
