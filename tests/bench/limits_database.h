// Where limits are measured: a database for libpq alone, and a server that only discards.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/child_process.h"
#include "tests/bench/pg_cluster_control.h"
#include "tests/bench/pg_limits.h"

namespace tidemark::bench {

// In the cluster of the servers that it is compared with. The next one replaces it.
class LimitsDatabase {
 public:
  static absl::StatusOr<LimitsDatabase> Make(const RigOptions& options);

  const std::string& dsn() const { return dsn_; }
  ClusterControl& cluster() { return cluster_; }

 private:
  LimitsDatabase(std::string dsn, ClusterControl cluster)
      : dsn_(std::move(dsn)), cluster_(std::move(cluster)) {}

  std::string dsn_;
  ClusterControl cluster_;
};

// This program as ServeNullSink().
class NullSinkProcess {
 public:
  static absl::StatusOr<NullSinkProcess> Start(const std::string& work);
  // A connection of its own.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect() const;

 private:
  NullSinkProcess(ChildProcess process, int port) : process_(std::move(process)), port_(port) {}

  ChildProcess process_;
  int port_ = 0;
};

// How main() is told to be that server.
inline constexpr char kNullSinkFlag[] = "--null-sink";

}  // namespace tidemark::bench
