#include "server/periodic.h"

#include <algorithm>

namespace tidemark::server {

using std::chrono::steady_clock;

Periodic::Periodic(std::vector<PeriodicTask> tasks)
    : tasks_(std::move(tasks)), thread_([this] { Loop(); }) {}

Periodic::~Periodic() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.NotifyAll();
  thread_.join();
}

void Periodic::Loop() {
  std::vector<steady_clock::time_point> due;
  for (const PeriodicTask& task : tasks_) due.push_back(steady_clock::now() + task.period);
  for (;;) {
    const auto next = std::min_element(due.begin(), due.end());
    if (next == due.end()) return;
    {
      MutexLock lock(mutex_);
      while (!stopping_ && steady_clock::now() < *next) stop_asked_.WaitUntil(mutex_, *next);
      if (stopping_) return;
    }
    const PeriodicTask& task = tasks_[static_cast<size_t>(next - due.begin())];
    task.run();
    *next = steady_clock::now() + task.period;
  }
}

}  // namespace tidemark::server
