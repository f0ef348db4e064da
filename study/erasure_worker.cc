#include "study/erasure_worker.h"

#include <chrono>

#include "base/log.h"

namespace tidemark::study {
namespace {

constexpr std::chrono::seconds kLookPeriod{1};

}  // namespace

ErasureWorker::ErasureWorker(const Context& context, const ClockSources& clocks,
                             ErasureJobOptions options)
    : job_(context, options), range_job_(context, clocks, std::move(options)) {
  threads_.emplace_back([this] { Loop([this](auto stopping) { return job_.RunOne(stopping); }); });
  threads_.emplace_back(
      [this] { Loop([this](auto stopping) { return range_job_.RunOne(stopping); }); });
}

ErasureWorker::~ErasureWorker() { Stop(); }

void ErasureWorker::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stop_asked_.NotifyAll();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool ErasureWorker::IsStopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

void ErasureWorker::WaitForWork() {
  MutexLock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + kLookPeriod;
  while (!stopping_ && stop_asked_.WaitUntil(mutex_, until)) {
  }
}

void ErasureWorker::Loop(const RunOne& run_one) {
  while (!IsStopping()) {
    const absl::StatusOr<bool> ran = run_one([this] { return IsStopping(); });
    if (!ran.ok()) LogWarning("erasures wait: {}", std::string(ran.status().message()));
    if (!ran.ok() || !*ran) WaitForWork();
  }
}

}  // namespace tidemark::study
