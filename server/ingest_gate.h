// Whether this server may take data now: a receipt must mean "on disk", in the newest database.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "base/mutex.h"

namespace tidemark::server {

// Thread-safe. Closed until it is opened.
class IngestGate {
 public:
  // OK, or FAILED_PRECONDITION with INGEST_REFUSED and a delay.
  absl::Status Check() const TM_EXCLUDES(mutex_);

  // The outcome of a look at the database. Only a definite "no" closes an open gate: a database
  // that cannot be asked cannot commit either.
  void Update(const absl::Status& looked) TM_EXCLUDES(mutex_);

  // See ReceiptStatement; as the last look found it.
  uint64_t restore_generation() const { return restore_generation_; }
  void SetRestoreGeneration(uint64_t generation) { restore_generation_ = generation; }

  // Why ingest is refused; OK while it is not.
  absl::Status refusal() const TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return refusal_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status refusal_ TM_GUARDED_BY(mutex_) =
      absl::FailedPreconditionError("the database has not been checked yet");
  std::atomic<uint64_t> restore_generation_ = 0;
};

}  // namespace tidemark::server
