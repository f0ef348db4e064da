#include "study/erasure_worker.h"

#include <chrono>

#include "base/log.h"

namespace tidemark::study {
namespace {

constexpr std::chrono::seconds kLookPeriod{1};

}  // namespace

ErasureWorker::ErasureWorker(const Context& context, ErasureJobOptions options)
    : job_(context, options), thread_([this] { Loop(); }) {}

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

void ErasureWorker::Loop() {
  while (!IsStopping()) {
    const absl::StatusOr<bool> ran = job_.RunOne([this] { return IsStopping(); });
    if (!ran.ok()) LogWarning("erasures wait: {}", std::string(ran.status().message()));
    if (!ran.ok() || !*ran) WaitForWork();
  }
}

}  // namespace tidemark::study
