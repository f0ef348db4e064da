#include "tests/bench/pg_cluster_control.h"

#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "base/status_macros.h"

namespace tidemark::bench {
namespace {

// The parent of a process, 0 if it has gone.
pid_t ParentOf(const std::filesystem::path& process) {
  std::ifstream status(process / "status");
  constexpr std::string_view kParent = "PPid:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kParent)) return static_cast<pid_t>(std::stol(line.substr(5)));
  }
  return 0;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (fault != std::errc() || end != name.data() + name.size()) continue;
    if (ParentOf(entry.path()) == parent) children.push_back(pid);
  }
  return children;
}

}  // namespace

absl::StatusOr<ClusterControl> ClusterControl::Connect(const std::string& dsn) {
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn + " user=postgres"));
  return ClusterControl(dsn, std::move(session));
}

absl::Status ClusterControl::DropDatabase(const std::string& name) {
  TM_RETURN_IF_ERROR(session_.Run("set client_min_messages = warning"));
  return session_.Run(fmt::format("drop database if exists {} with (force)", name));
}

absl::Status ClusterControl::CreateDatabase(const std::string& name) {
  TM_RETURN_IF_ERROR(DropDatabase(name));
  return session_.Run(fmt::format("create database {} owner tm_owner", name));
}

absl::Status ClusterControl::Pause() {
  TM_ASSIGN_OR_RETURN(const int64_t postmaster,
                      session_.Number("select split_part(pg_read_file('postmaster.pid'), E'\\n', "
                                      "1)::int8"));
  paused_ = {static_cast<pid_t>(postmaster)};
  // The postmaster first: it can start no child any more.
  if (::kill(paused_.front(), SIGSTOP) != 0) {
    return absl::PermissionDeniedError("PostgreSQL cannot be stopped: not our process");
  }
  for (const pid_t child : ChildrenOf(paused_.front())) {
    if (::kill(child, SIGSTOP) == 0) paused_.push_back(child);
  }
  return absl::OkStatus();
}

absl::Status ClusterControl::Resume() {
  for (const pid_t process : paused_) ::kill(process, SIGCONT);
  paused_.clear();
  return absl::OkStatus();
}

}  // namespace tidemark::bench
