// Whether this server may take data now: a receipt must mean "on disk", in the newest database.
#pragma once

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

 private:
  mutable Mutex mutex_;
  absl::Status refusal_ TM_GUARDED_BY(mutex_) =
      absl::FailedPreconditionError("the database has not been checked yet");
};

}  // namespace tidemark::server
