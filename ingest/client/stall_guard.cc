#include "ingest/client/stall_guard.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

namespace tidemark::ingest {

StallGuard::StallGuard(grpc::ClientContext& context, absl::Duration timeout)
    : context_(context), timeout_(timeout), watcher_([this] { Watch(); }) {}

StallGuard::~StallGuard() {
  {
    MutexLock lock(mutex_);
    done_ = true;
  }
  ended_.NotifyAll();
  watcher_.join();
}

void StallGuard::SetWaiting(bool waiting) {
  MutexLock lock(mutex_);
  waiting_ = waiting;
  if (waiting) ++waits_;
}

void StallGuard::Watch() {
  const auto patience = absl::ToChronoNanoseconds(timeout_);
  MutexLock lock(mutex_);
  uint64_t seen = waits_;
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!done_) {
    if (ended_.WaitUntil(mutex_, deadline)) continue;
    if (waiting_ && waits_ == seen && !done_) {
      stalled_ = true;
      context_.TryCancel();
      return;
    }
    seen = waits_;
    deadline = std::chrono::steady_clock::now() + patience;
  }
}

absl::Status StallGuard::StatusOf(absl::Status finished) const {
  MutexLock lock(mutex_);
  if (!stalled_ || finished.ok()) return finished;
  return absl::DeadlineExceededError(
      fmt::format("the server sent nothing for {}", absl::FormatDuration(timeout_)));
}

}  // namespace tidemark::ingest
