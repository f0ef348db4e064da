// Everything a server is made of, below gRPC's own server: built in order, taken down in reverse.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/db/pool.h"
#include "base/rpc/guard.h"
#include "server/config.h"
#include "server/database_watch.h"
#include "server/ingest_gate.h"
#include "store/key_store.h"
#include "study/context.h"

namespace tidemark::server {

// The services of one role, with what they stand on.
class Role {
 public:
  virtual ~Role() = default;
  virtual std::vector<grpc::Service*> services() = 0;
  // The restore generation from now on.
  virtual void SetRestoreGeneration(uint64_t /*generation*/) {}
  // Ends calls that would go on for as long as their clients like; called before gRPC waits for all
  // calls to end.
  virtual void EndStreams() {}
  // Ends what goes on outside of calls; called once gRPC has ended all calls.
  virtual void Drain() {}
};

// What roles are built on; all of it outlives them.
struct Foundation {
  const Config& config;
  const study::Context& study;
  rpc::Authorizer& authorizer;
  IngestGate& gate;
  const std::string& receipt_key_id;  // registered; what the ingest role signs with
  // Looks at the database at once, as is done every minute.
  std::function<void()> look_at_database;
  const DatabaseWatch& watch;
};

absl::StatusOr<std::unique_ptr<Role>> MakeStudyRole(const Foundation& foundation);
absl::StatusOr<std::unique_ptr<Role>> MakeIngestRole(const Foundation& foundation);
absl::StatusOr<std::unique_ptr<Role>> MakeSignalRole(const Foundation& foundation);

// Full names of the services of the roles, and of those that every server has.
std::vector<std::string> ServicesOf(const std::set<std::string>& roles);

}  // namespace tidemark::server
