// The threads of a server that carry out erasures as they come: one those of participants, another
// those of ranges, which seal a lot anew and wait for days to end. Nobody's own erasure waits
// behind such a one.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/mutex.h"
#include "study/erasure_job.h"
#include "study/range_erasure_job.h"

namespace tidemark::study {

class ErasureWorker {
 public:
  ErasureWorker(const Context& context, const ClockSources& clocks, ErasureJobOptions options = {});
  ~ErasureWorker();

  // Leaves jobs that are under way after their present steps, for the next worker. Idempotent.
  void Stop() TM_EXCLUDES(mutex_);

 private:
  // Tries a job of one kind; false when there was none.
  using RunOne = std::function<absl::StatusOr<bool>(absl::FunctionRef<bool()> stopping)>;
  void Loop(const RunOne& run_one) TM_EXCLUDES(mutex_);
  bool IsStopping() TM_EXCLUDES(mutex_);
  void WaitForWork() TM_EXCLUDES(mutex_);

  const ErasureJob job_;
  const RangeErasureJob range_job_;
  Mutex mutex_;
  CondVar stop_asked_;
  bool stopping_ TM_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace tidemark::study
