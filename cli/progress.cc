#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "cli/output.h"

namespace tidemark::cli {
namespace {

constexpr std::chrono::milliseconds kTerminalPeriod{100};
constexpr std::chrono::seconds kPlainPeriod{10};

}  // namespace

Progress::Progress(bool quiet)
    : quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(terminal_ ? SteadyClock::time_point{} : SteadyClock::now() + kPlainPeriod) {}

void Progress::Update(std::string_view line) {
  if (quiet_) return;
  MutexLock lock(mutex_);
  const auto now = SteadyClock::now();
  if (now < next_) return;
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", line);
    line_shown_ = true;
    next_ = now + kTerminalPeriod;
  } else {
    fmt::print(stderr, "{}\n", line);
    next_ = now + kPlainPeriod;
  }
  std::fflush(stderr);
}

void Progress::Say(std::string_view line) {
  if (!quiet_) Warn(line);
}

void Progress::Warn(std::string_view line) {
  MutexLock lock(mutex_);
  ClearLocked();
  (void)FlushOutput();  // what was said before stays before it; an error is met at the end
  fmt::print(stderr, "{}\n", line);
}

void Progress::Clear() {
  MutexLock lock(mutex_);
  ClearLocked();
}

void Progress::ClearLocked() {
  if (!line_shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  line_shown_ = false;
}

}  // namespace tidemark::cli
