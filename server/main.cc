// tidemarkd: parses what was asked, then serves until SIGTERM or SIGINT.
#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>

#include <csignal>
#include <cstdlib>

#include "base/log.h"
#include "base/status_macros.h"
#include "server/commands.h"
#include "server/config.h"
#include "server/descriptors.h"
#include "server/server.h"
#include "server/service_manager.h"
#include "server/version.h"

namespace tidemark::server {
namespace {

// Blocked before any thread exists, so that no thread but the waiting one ever sees them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

constexpr int kExitUsage = 2;
constexpr int kExitDead = 3;

// Nothing is tidied up: whatever hangs would hang that too. A chunk without a receipt comes again.
[[noreturn]] void EndDead() {
  LogError("the server does not answer on its own port; it ends in order to be started again");
  std::_Exit(kExitDead);
}

absl::Status Serve(const Config& config, const sigset_t& stop_signals) {
  const ServiceManager manager = ServiceManager::FromEnvironment();
  const uint64_t descriptors = TakeDescriptors(config);
  TM_ASSIGN_OR_RETURN(
      const std::unique_ptr<Server> server,
      Server::Start(config, Clock::Real(),
                    {.on_dead = EndDead, .on_alive = [&manager] { manager.KeepAlive(); }}));
  LogInfo("tidemarkd {} serves on port {}, {} descriptors", kVersion, server->port(), descriptors);
  if (server->metrics_port() != 0) LogInfo("metrics are on port {}", server->metrics_port());
  manager.Ready();
  int signal = 0;
  sigwait(&stop_signals, &signal);
  LogInfo("stopping on signal {}", signal);
  manager.Stopping();
  server->Shutdown(config.drain);
  LogInfo("stopped");
  return absl::OkStatus();
}

absl::Status Run(const CommandLine& line, const sigset_t& stop_signals) {
  switch (line.command) {
    case Command::kHelp:
      fmt::print("{}", line.help);
      return absl::OkStatus();
    case Command::kVersion:
      fmt::print("tidemarkd {}\n", kVersion);
      return absl::OkStatus();
    case Command::kPrintConfig:
      fmt::print("{}", PrintConfig(line.config));
      return absl::OkStatus();
    case Command::kPrintAccess: {
      TM_ASSIGN_OR_RETURN(const std::string table, PrintAccess());
      fmt::print("{}", table);
      return absl::OkStatus();
    }
    case Command::kPrintMetrics:
      fmt::print("{}", PrintMetrics());
      return absl::OkStatus();
    case Command::kPrintBacklog: {
      TM_ASSIGN_OR_RETURN(const std::string backlog, PrintBacklog(line.config));
      fmt::print("{}", backlog);
      return absl::OkStatus();
    }
    case Command::kMigrate:
      return Migrate(line.config);
    case Command::kBootstrapOperator:
      return BootstrapOperator(line.config, line.bootstrap_file);
    case Command::kServe:
      return Serve(line.config, stop_signals);
  }
  return absl::InternalError("unknown command");
}

int Main(int argc, char** argv) {
  const sigset_t stop_signals = BlockStopSignals();
  const std::vector<std::string> args(argv + 1, argv + argc);
  const absl::StatusOr<CommandLine> line = ParseCommandLine(args);
  if (!line.ok()) {
    fmt::print(stderr, "{}\n", std::string(line.status().message()));
    return kExitUsage;
  }
  InitLog(line->config.log_level, line->config.log_json);
  // It would print a line for every malformed string that a device sends.
  google::protobuf::SetLogHandler(nullptr);
  const absl::Status status = Run(*line, stop_signals);
  if (status.ok()) return 0;
  LogError("{}", std::string(status.message()));
  return 1;
}

}  // namespace
}  // namespace tidemark::server

int main(int argc, char** argv) { return tidemark::server::Main(argc, argv); }
