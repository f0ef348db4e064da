// The bench's own PostgreSQL cluster, as its superuser: databases, checkpoints, and a pause.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/pg_session.h"

namespace tidemark::bench {

// Not thread-safe. The cluster is changed at will: it must be of the bench alone.
class ClusterControl {
 public:
  // `dsn` names the cluster and the database postgres, without a user.
  static absl::StatusOr<ClusterControl> Connect(const std::string& dsn);

  // An empty database of tm_owner; one of that name is dropped first.
  absl::Status CreateDatabase(const std::string& name);
  absl::Status DropDatabase(const std::string& name);
  std::string DsnOf(const std::string& database) const { return dsn_ + " dbname=" + database; }
  std::string SuperuserDsnOf(const std::string& database) const {
    return DsnOf(database) + " user=postgres";
  }

  // Before a repetition, so that none pays for what another left dirty.
  absl::Status Checkpoint() { return session_.Run("checkpoint"); }

  // Stops every process of the cluster where it is, as a machine that hangs would, and lets them go
  // on.
  absl::Status Pause();
  absl::Status Resume();

 private:
  ClusterControl(std::string dsn, PgSession session)
      : dsn_(std::move(dsn)), session_(std::move(session)) {}

  std::string dsn_;
  PgSession session_;
  std::vector<pid_t> paused_;
};

}  // namespace tidemark::bench
