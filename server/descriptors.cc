#include "server/descriptors.h"

#include <sys/resource.h>

#include "base/log.h"

namespace tidemark::server {
namespace {

// Log, keys, pipes and timers of gRPC, the metrics page, files that are open for a moment.
constexpr uint64_t kOwnDescriptors = 64;
// Of all pools but the ones that settings size: probe, gate, keys, catalogs, placements.
constexpr uint64_t kFixedConnections = 12;
// Devices of a small site, each with a connection or two.
constexpr uint64_t kClientsLeast = 1'024;

}  // namespace

uint64_t DescriptorsWanted(const Config& config) {
  const int connections =
      config.app_connections_max + config.read_connections_max + config.ingest_writers;
  return kOwnDescriptors + kFixedConnections + kClientsLeast + static_cast<uint64_t>(connections);
}

uint64_t TakeDescriptors(const Config& config) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  if (const uint64_t wanted = DescriptorsWanted(config); limit.rlim_cur < wanted) {
    LogWarning("{} file descriptors are allowed and {} are wanted: raise LimitNOFILE",
               limit.rlim_cur, wanted);
  }
  return limit.rlim_cur;
}

}  // namespace tidemark::server
