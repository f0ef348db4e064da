#include "tests/bench/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/time/clock.h"
#include "base/status_macros.h"

namespace tidemark::bench {
namespace {

constexpr absl::Duration kEndWithin = absl::Seconds(20);
constexpr absl::Duration kUpWithin = absl::Seconds(60);
constexpr absl::Duration kPoll = absl::Milliseconds(10);
constexpr double kKibPerMib = 1024;

// Between fork and exec: nothing that takes a lock or memory.
[[noreturn]] void Become(char* const* arguments, int log_fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  const int nothing_fd = ::open("/dev/null", O_RDONLY);
  if (nothing_fd >= 0) ::dup2(nothing_fd, STDIN_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

absl::StatusOr<double> StatusMib(pid_t pid, std::string_view name) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stod(line.substr(name.size())) / kKibPerMib;
  }
  return absl::InternalError("the memory of a process cannot be read");
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Start(const std::vector<std::string>& command,
                                                 const std::string& log) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) return absl::UnavailableError("cannot write " + log);
  const pid_t pid = ::fork();
  if (pid == 0) Become(arguments.data(), log_fd);
  ::close(log_fd);
  if (pid < 0) return absl::UnavailableError("cannot start " + command.front());
  return ChildProcess(pid);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

ChildProcess::~ChildProcess() {
  if (!IsRunning()) return;
  ::kill(pid_, SIGTERM);
  const absl::Time until = absl::Now() + kEndWithin;
  while (IsRunning()) {
    if (absl::Now() > until) ::kill(pid_, SIGKILL);
    absl::SleepFor(kPoll);
  }
}

absl::Status ChildProcess::Wait() {
  int state = 0;
  const bool ended = pid_ > 0 && ::waitpid(pid_, &state, 0) == pid_;
  pid_ = -1;
  if (ended && WIFEXITED(state) && WEXITSTATUS(state) == 0) return absl::OkStatus();
  return absl::InternalError("a program that the bench needs failed");
}

bool ChildProcess::IsRunning() {
  if (pid_ <= 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

absl::StatusOr<double> ChildProcess::ResidentMib() const { return StatusMib(pid_, "VmRSS:"); }

absl::StatusOr<double> ChildProcess::PeakResidentMib() const { return StatusMib(pid_, "VmHWM:"); }

absl::Status ChildProcess::ForgetPeak() const {
  constexpr char kResetPeak[] = "5";
  std::ofstream clear(fmt::format("/proc/{}/clear_refs", pid_));
  clear << kResetPeak;
  clear.close();
  return clear ? absl::OkStatus() : absl::InternalError("the peak of a process cannot be reset");
}

absl::Status RunProgram(const std::vector<std::string>& command, const std::string& log) {
  TM_ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Start(command, log));
  const absl::Status ended = process.Wait();
  if (ended.ok()) return ended;
  return absl::InternalError(fmt::format("{} failed: see {}", command.front(), log));
}

absl::StatusOr<int> WaitForPort(ChildProcess& process, const std::string& port_file) {
  for (const absl::Time until = absl::Now() + kUpWithin; absl::Now() < until;) {
    std::ifstream file(port_file);
    if (int port = 0; file >> port) return port;
    if (!process.IsRunning()) return absl::InternalError("a server ended before it was up");
    absl::SleepFor(kPoll);
  }
  return absl::DeadlineExceededError("a server did not come up");
}

}  // namespace tidemark::bench
