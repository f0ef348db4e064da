// A thread that does a few things again and again.
#pragma once

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace tidemark::server {

struct PeriodicTask {
  std::chrono::milliseconds period;
  std::function<void()> run;  // bounded in time by itself
};

// Runs each task once per period, the first time one period after the start, until destroyed.
class Periodic {
 public:
  explicit Periodic(std::vector<PeriodicTask> tasks);
  ~Periodic();

 private:
  void Loop() TM_EXCLUDES(mutex_);

  const std::vector<PeriodicTask> tasks_;
  Mutex mutex_;
  CondVar stop_asked_;
  bool stopping_ TM_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tidemark::server
