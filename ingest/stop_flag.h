// Tells waiting threads that it is time to end.
#pragma once

#include <chrono>

#include "base/mutex.h"

namespace tidemark::ingest {

class StopFlag {
 public:
  void Stop() TM_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      stopped_ = true;
    }
    changed_.NotifyAll();
  }
  // Waits until Stop() or for `time`; true when stopped.
  bool WaitFor(std::chrono::milliseconds time) TM_EXCLUDES(mutex_) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    MutexLock lock(mutex_);
    while (!stopped_ && changed_.WaitUntil(mutex_, deadline)) continue;
    return stopped_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ TM_GUARDED_BY(mutex_) = false;
};

}  // namespace tidemark::ingest
