// A running server: what main() and tests start.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/pool.h"
#include "base/metrics/registry.h"
#include "base/mutex.h"
#include "server/config.h"
#include "server/database_watch.h"
#include "server/health_board.h"
#include "server/ingest_gate.h"
#include "server/metrics_page.h"
#include "server/periodic.h"
#include "server/roles.h"
#include "server/self_probe.h"
#include "server/server_info_service.h"
#include "store/key_store.h"
#include "study/context.h"
#include "study/database_authorizer.h"

namespace tidemark::server {

// Start order: checks of the database, partitions, authorizer (refuses a method without policy),
// roles, gRPC, health, metrics. It is taken down the other way round.
class Server {
 public:
  //   INVALID_ARGUMENT     the configuration has faults; all are named
  //   FAILED_PRECONDITION  the database is not migrated, a role could go around row security, the
  //                        folder of keys is not the database's, or a method has no policy
  //   UNAVAILABLE          the database cannot be reached, or the address is taken
  // A database that is not durable refuses ingest only. `clock` outlives the server. A server that
  // does not answer itself any more calls `self_probe.on_dead`; without that it never asks.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Config config,
                                                       const Clock& clock = Clock::Real(),
                                                       SelfProbeOptions self_probe = {});
  ~Server();

  int port() const { return port_; }
  // Of /metrics and /ready; 0 without --metrics-listen.
  int metrics_port() const { return metrics_page_ == nullptr ? 0 : metrics_page_->port(); }
  // A channel without a network, for tests.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Says "not serving", lets calls end for up to `drain`, cancels the rest, brings accepted chunks
  // to their end, and closes the pools. Uploads take nothing more and end as UNAVAILABLE once the
  // receipts of what they took are out. Safe to repeat.
  void Shutdown(absl::Duration drain);

 private:
  Server(Config config, const Clock& clock, SelfProbeOptions self_probe);

  absl::Status Prepare();
  absl::Status CheckRoles();
  absl::Status MakeRoles();
  absl::Status Listen();
  absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials() const;
  std::vector<PeriodicTask> Tasks();
  void LookAtDatabase() TM_EXCLUDES(look_mutex_);
  void SignAudit();
  absl::Status CheckIngestAllowed();
  void StartSelfProbe();
  void ProbeDatabase();
  void WatchDatabase();
  absl::Status StartMetrics();

  const Config config_;
  const Clock& clock_;
  const SelfProbeOptions self_probe_options_;
  IngestGate gate_;
  std::unique_ptr<db::Pool> keys_pool_;  // asked while another connection may be held
  std::unique_ptr<store::KeyStore> keys_;
  std::unique_ptr<db::Pool> app_pool_;
  std::unique_ptr<db::Pool> probe_pool_;  // of the server itself: never waits behind calls
  std::unique_ptr<db::Pool> gate_pool_;   // as tm_ingest
  std::unique_ptr<db::Pool> read_pool_;   // as tm_read, to see that it can be
  std::unique_ptr<DatabaseWatch> watch_;
  study::Context context_;
  std::string receipt_key_id_;  // what the ingest role signs with; empty without it
  std::unique_ptr<study::DatabaseAuthorizer> authorizer_;
  std::vector<std::unique_ptr<Role>> roles_;
  std::unique_ptr<ServerInfoService> info_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<HealthBoard> health_;
  Mutex look_mutex_;
  std::unique_ptr<Periodic> periodic_;
  std::unique_ptr<SelfProbe> self_probe_;
  std::vector<metrics::Reading::Source> readings_;
  std::unique_ptr<MetricsPage> metrics_page_;
  int port_ = 0;
  bool stopped_ = false;
};

}  // namespace tidemark::server
