// Connections that read payloads: binary, read-only, bounded in number.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/database_metrics.h"
#include "base/db/pipeline.h"
#include "base/ids.h"
#include "base/mutex.h"

namespace tidemark::store {

struct ReaderPoolOptions {
  std::string dsn;  // as tm_read, or a role that may read as much
  std::string application_name = "tidemark-read";
  size_t connections_max = 8;
  int64_t statement_timeout_ms = 30'000;  // a deadline that is nearer counts
};

// Thread-safe. Every query is a read-only transaction of its own that sees one participant, and
// gives its connection back before it returns: a slow consumer holds none. Connects when needed.
class ReaderPool {
 public:
  explicit ReaderPool(ReaderPoolOptions options);
  ~ReaderPool();

  //   RESOURCE_EXHAUSTED  all connections were busy until `deadline`
  //   DEADLINE_EXCEEDED   the statement took longer than is left
  //   UNAVAILABLE         the database cannot be reached
  absl::StatusOr<db::BinaryResult> Query(ParticipantId participant, const db::Statement& statement,
                                         const db::BinaryParams& params, absl::Time deadline);
  // The same statement for each of `params`, in one transaction and one round trip.
  absl::StatusOr<std::vector<db::BinaryResult>> QueryEach(ParticipantId participant,
                                                          const db::Statement& statement,
                                                          std::span<const db::BinaryParams> params,
                                                          absl::Time deadline);
  // Some statements, which see the database as of one moment, in one round trip.
  absl::StatusOr<std::vector<db::BinaryResult>> QueryTogether(
      ParticipantId participant, std::span<const db::PipelineConnection::Step> steps,
      absl::Time deadline);

 private:
  using Connection = std::unique_ptr<db::PipelineConnection>;

  // An idle connection, or null for the right to open one.
  absl::StatusOr<Connection> Acquire(absl::Time deadline) TM_EXCLUDES(mutex_);
  void Return(Connection connection) TM_EXCLUDES(mutex_);
  db::PoolReadings::Now Look() TM_EXCLUDES(mutex_);
  absl::StatusOr<std::vector<db::BinaryResult>> RunOnce(
      ParticipantId participant, std::span<const db::PipelineConnection::Step> steps,
      absl::Time deadline, bool* reused);

  const ReaderPoolOptions options_;
  Mutex mutex_;
  CondVar room_;
  std::vector<Connection> idle_ TM_GUARDED_BY(mutex_);
  size_t open_ TM_GUARDED_BY(mutex_) = 0;
  size_t waiting_ TM_GUARDED_BY(mutex_) = 0;
  const db::PoolReadings readings_;  // the last member: it asks for the others
};

}  // namespace tidemark::store
