// Work that outlives a server: leased by one worker at a time, done once.
//
// A worker leases a job for a while; whoever leases it next raises the fence. What a worker writes
// counts only in a transaction that first locked the job under the worker's own fence, so that a
// worker that was slow or asleep can spoil nothing. All times are of the database's clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/pool.h"
#include "base/db/transaction.h"
#include "base/ids.h"

namespace tidemark::study {

// The numbers are stored, in job.kind.
enum class JobKind : int16_t { kErasure = 1, kRangeErasure = 2 };

struct NewJob {
  Uuid job_id;
  JobKind kind = JobKind::kErasure;
  StudyId study_id;
  ParticipantId participant_id{};  // zero for none
  std::string payload;
};
void InsertJob(db::Transaction& tx, const NewJob& job);

struct Job {
  Uuid job_id;
  std::string payload;
  int attempt = 0;  // 1 at the first lease
  int64_t fence = 0;
};

// The job of this kind that has waited longest, now leased; nothing if none is free.
absl::StatusOr<std::optional<Job>> LeaseJob(db::Pool& pool, JobKind kind, absl::Duration lease,
                                            absl::Time deadline);

// Locks the job in this transaction and lengthens its lease.
//   ABORTED  the lease is another worker's, or the job is done: roll back
absl::Status KeepJob(db::Transaction& tx, const Job& job, absl::Duration lease);

// After KeepJob() in the same transaction: the job is done.
void FinishJob(db::Transaction& tx, const Job& job);

// Gives a job back that could not be done: free again after `pause`. Fine if the lease was lost.
absl::Status ReturnJob(db::Pool& pool, const Job& job, const std::string& problem,
                       absl::Duration pause, absl::Time deadline);

}  // namespace tidemark::study
