#include "tests/bench/bench_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/status_macros.h"

namespace tidemark::bench {

bool IsAskedFor(std::string_view only, const std::vector<std::string>& ids) {
  return std::any_of(ids.begin(), ids.end(),
                     [&](const std::string& id) { return id.find(only) != std::string::npos; });
}

BenchServer::BenchServer(const RigOptions& options, std::string database, ClusterControl cluster)
    : program_(options.tidemarkd),
      database_(std::move(database)),
      folder_(options.work + "/" + database_),
      cluster_(std::move(cluster)) {}

absl::StatusOr<std::unique_ptr<BenchServer>> BenchServer::Start(const RigOptions& options,
                                                                const std::string& name,
                                                                Sealer sealer) {
  TM_ASSIGN_OR_RETURN(ClusterControl cluster, ClusterControl::Connect(options.cluster_dsn));
  std::unique_ptr<BenchServer> server(
      new BenchServer(options, "bench_" + name, std::move(cluster)));
  TM_RETURN_IF_ERROR(server->Prepare());
  TM_RETURN_IF_ERROR(server->Launch(sealer));
  return server;
}

BenchServer::~BenchServer() {
  process_.reset();
  // What cannot be dropped now is dropped by the next run.
  (void)cluster_.DropDatabase(database_);
}

std::vector<std::string> BenchServer::Command(const std::vector<std::string>& more) const {
  std::vector<std::string> command = {program_,
                                      "--dsn",
                                      cluster_.DsnOf(database_),
                                      "--owner-dsn",
                                      cluster_.DsnOf(database_) + " user=tm_owner",
                                      "--keys",
                                      folder_ + "/keys"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

absl::Status BenchServer::Prepare() {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  std::filesystem::create_directories(folder_, error);
  if (error) return absl::UnavailableError("cannot make " + folder_);
  TM_RETURN_IF_ERROR(cluster_.CreateDatabase(database_));
  const std::string log = folder_ + "/tidemarkd.log";
  TM_RETURN_IF_ERROR(RunProgram(Command({"--migrate"}), log));
  return RunProgram(Command({"--bootstrap-operator", operator_token_file()}), log);
}

absl::Status BenchServer::Launch(Sealer sealer) {
  const std::string port_file = folder_ + "/port";
  std::filesystem::remove(port_file);
  std::vector<std::string> settings = {"--listen", address_, "--port-file", port_file};
  if (sealer == Sealer::kIdle) {
    settings.insert(settings.end(), {"--sealer-percent", "0"});
  }
  TM_ASSIGN_OR_RETURN(ChildProcess process,
                      ChildProcess::Start(Command(settings), folder_ + "/tidemarkd.log"));
  process_ = std::make_unique<ChildProcess>(std::move(process));
  TM_ASSIGN_OR_RETURN(const int port, WaitForPort(*process_, port_file));
  address_ = fmt::format("127.0.0.1:{}", port);
  return absl::OkStatus();
}

absl::Status BenchServer::Restart(Sealer sealer) {
  process_.reset();
  return Launch(sealer);
}

}  // namespace tidemark::bench
