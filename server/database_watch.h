// What is looked up now and then about the database, for metrics and for the operator: its size,
// the room on its disk, jobs that are open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/pool.h"
#include "base/mutex.h"
#include "server/config.h"
#include "server/disk_forecast.h"
#include "tidemark/v1/operator.pb.h"

namespace tidemark::server {

// Thread-safe. What it is given outlives it.
class DatabaseWatch {
 public:
  struct Facts {
    int64_t database_bytes = 0;
    std::optional<int64_t> free_bytes;  // nothing when no setting tells
    std::optional<DiskForecast::Growth> growth;
    int64_t open_jobs = 0;
    double oldest_job_s = 0;
  };

  DatabaseWatch(const Config& config, db::Pool& pool, const Clock& clock)
      : config_(config), pool_(pool), clock_(clock) {}

  // Looks now. After a look that failed the facts are those of the one before.
  absl::Status Look(absl::Time deadline) TM_EXCLUDES(mutex_);

  // Nothing before the first look.
  std::optional<Facts> facts() const TM_EXCLUDES(mutex_);

 private:
  const Config& config_;
  db::Pool& pool_;
  const Clock& clock_;
  mutable Mutex mutex_;
  DiskForecast forecast_ TM_GUARDED_BY(mutex_);
  std::optional<Facts> facts_ TM_GUARDED_BY(mutex_);
};

// What is to be said of the disk: a disk that is full stops ingest, and what devices keep meanwhile
// is only on them.
struct DiskFinding {
  v1::CheckState state = v1::CHECK_STATE_OK;
  std::string detail;
};
DiskFinding FindDisk(const std::optional<DatabaseWatch::Facts>& facts);

// Bytes that a user may still write beside `path`; nothing if that cannot be told.
std::optional<int64_t> FreeBytesAt(const std::string& path);

}  // namespace tidemark::server
