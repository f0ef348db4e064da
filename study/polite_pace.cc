#include "study/polite_pace.h"

#include <algorithm>

#include "base/status_macros.h"

namespace tidemark::study {

absl::Status PolitePace::Step(absl::FunctionRef<absl::Status()> step) {
  const absl::Time begin = clock_->Now();
  TM_RETURN_IF_ERROR(step());
  // A wall clock may be set back meanwhile.
  const absl::Duration took = std::max(clock_->Now() - begin, absl::ZeroDuration());
  Adapt(took);
  wait_(std::min(took * ((1 - limits_.busy_share) / limits_.busy_share), limits_.pause_max));
  return absl::OkStatus();
}

// Down by halves and up by quarters, so that the goal is seldom passed.
void PolitePace::Adapt(absl::Duration took) {
  if (took > limits_.step_goal) rows_ /= 2;
  if (took < limits_.step_goal / 2) rows_ += rows_ / 4 + 1;
  rows_ = std::clamp(rows_, limits_.rows_min, limits_.rows_max);
}

}  // namespace tidemark::study
