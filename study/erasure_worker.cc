#include "study/erasure_worker.h"

#include <chrono>

#include "base/log.h"

namespace tidemark::study {
namespace {

constexpr std::chrono::seconds kLookPeriod{1};

}  // namespace

ErasureWorker::ErasureWorker(const Context& context, ErasureJobOptions options)
    : job_(context, options), range_job_(context, options), thread_([this] { Loop(); }) {}

ErasureWorker::~ErasureWorker() { Stop(); }

void ErasureWorker::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stop_asked_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
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

// A whole participant first: what a range would seal anew may go with it.
absl::StatusOr<bool> ErasureWorker::RunOne() {
  const auto stopping = [this] { return IsStopping(); };
  const absl::StatusOr<bool> ran = job_.RunOne(stopping);
  if (!ran.ok() || *ran) return ran;
  return range_job_.RunOne(stopping);
}

void ErasureWorker::Loop() {
  while (!IsStopping()) {
    const absl::StatusOr<bool> ran = RunOne();
    if (!ran.ok()) LogWarning("erasures wait: {}", std::string(ran.status().message()));
    if (!ran.ok() || !*ran) WaitForWork();
  }
}

}  // namespace tidemark::study
