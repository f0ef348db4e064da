// Carries out erasures, one step after the other; each step can be repeated.
//
//   key destroyed ─► devices without names ─► rows, some at a time ─► participant ─► counted,
//   recorded
//
// The key goes first: whatever happens afterwards, nothing can be read any more, in no backup
// either. A worker that dies leaves the rest to the next one.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "study/context.h"
#include "study/jobs.h"
#include "study/polite_pace.h"

namespace tidemark::study {

struct ErasureJobOptions {
  absl::Duration lease = absl::Minutes(2);
  PaceLimits pace;
  PolitePace::Wait wait = absl::SleepFor;
  absl::Duration retry_after = absl::Seconds(30);
};

// Thread-safe.
class ErasureJob {
 public:
  ErasureJob(Context context, ErasureJobOptions options)
      : context_(std::move(context)), options_(std::move(options)) {}

  // Leases one erasure and carries it out. False when there was none. `stopping` is asked between
  // steps; a job that is left is taken up by the next worker.
  absl::StatusOr<bool> RunOne(absl::FunctionRef<bool()> stopping) const;

  // The steps after the lease.
  absl::Status Erase(const Job& job, absl::FunctionRef<bool()> stopping) const;

 private:
  const Context context_;
  const ErasureJobOptions options_;
};

}  // namespace tidemark::study
