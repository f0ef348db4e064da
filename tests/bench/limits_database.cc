#include "tests/bench/limits_database.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/status_macros.h"
#include "ingest/client/rpc_channel.h"

namespace tidemark::bench {
namespace {

constexpr char kLimitsName[] = "bench_limits";
constexpr char kThisProgram[] = "/proc/self/exe";

}  // namespace

absl::StatusOr<LimitsDatabase> LimitsDatabase::Make(const RigOptions& options) {
  TM_ASSIGN_OR_RETURN(ClusterControl cluster, ClusterControl::Connect(options.cluster_dsn));
  TM_RETURN_IF_ERROR(cluster.CreateDatabase(kLimitsName));
  std::string dsn = cluster.SuperuserDsnOf(kLimitsName);
  return LimitsDatabase(std::move(dsn), std::move(cluster));
}

absl::StatusOr<NullSinkProcess> NullSinkProcess::Start(const std::string& work) {
  const std::string port_file = work + "/null_sink.port";
  std::filesystem::remove(port_file);
  const std::string program = std::filesystem::read_symlink(kThisProgram);
  TM_ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Start({program, kNullSinkFlag, port_file},
                                                                work + "/null_sink.log"));
  TM_ASSIGN_OR_RETURN(const int port, WaitForPort(process, port_file));
  return NullSinkProcess(std::move(process), port);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> NullSinkProcess::Connect() const {
  return ingest::Connect({fmt::format("127.0.0.1:{}", port_), ""});
}

}  // namespace tidemark::bench
