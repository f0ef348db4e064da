// The thread of a server that carries out erasures of both kinds as they come.
#pragma once

#include <thread>

#include "base/mutex.h"
#include "study/erasure_job.h"
#include "study/range_erasure_job.h"

namespace tidemark::study {

class ErasureWorker {
 public:
  explicit ErasureWorker(const Context& context, ErasureJobOptions options = {});
  ~ErasureWorker();

  // Leaves a job that is under way after its present step, for the next worker. Idempotent.
  void Stop() TM_EXCLUDES(mutex_);

 private:
  void Loop();
  bool IsStopping() TM_EXCLUDES(mutex_);
  void WaitForWork() TM_EXCLUDES(mutex_);

  absl::StatusOr<bool> RunOne();

  const ErasureJob job_;
  const RangeErasureJob range_job_;
  Mutex mutex_;
  CondVar stop_asked_;
  bool stopping_ TM_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tidemark::study
