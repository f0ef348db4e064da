// All ReadSamples calls of a server.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/bounded_queue.h"
#include "base/mutex.h"
#include "base/rpc/guard.h"
#include "store/signal_reader.h"
#include "study/data_access.h"
#include "tidemark/v1/signal.pb.h"

namespace tidemark::study {

class SampleRead;

struct SampleReadsOptions {
  int threads = 4;  // that read from the database, for all calls
  size_t reads_max = 64;
  size_t reads_per_caller_max = 16;
  // A client that takes nothing for so long is ended.
  std::chrono::milliseconds idle_max{120'000};
};

// A few threads read for all calls, one piece at a time and only when the client has taken the
// piece before: a slow client holds a message or two and the opened segments of a few chunks, but
// no thread and no database connection. Every piece re-checks the caller. Thread-safe; destroyed
// after the server, when every call has ended.
class SampleReads {
 public:
  SampleReads(rpc::Authorizer* authorizer, store::SignalReader* reader, const DataAccess* access,
              const SampleReadsOptions& options);
  ~SampleReads();

  // A reactor for a new call. It deletes itself.
  grpc::ServerWriteReactor<v1::ReadSamplesResponse>* Open(grpc::CallbackServerContext* context,
                                                          const v1::ReadSamplesRequest& request)
      TM_EXCLUDES(mutex_);

  // Cancels the calls whose client has taken nothing since `idle_max` before `now`; how many there
  // were. Also done from time to time by a thread of its own.
  size_t EndIdle(std::chrono::steady_clock::time_point now) TM_EXCLUDES(mutex_);
  size_t open() const TM_EXCLUDES(mutex_);

 private:
  friend class SampleRead;

  // Lets a thread take the next step of a call. False when the server is going down.
  bool Schedule(SampleRead* read);
  //   RESOURCE_EXHAUSTED  the caller has too many open reads
  absl::Status Admit(const rpc::Caller& caller) TM_EXCLUDES(mutex_);
  // The call is over; `admitted` is what Admit let in.
  void Forget(SampleRead* read, const PrincipalId* admitted) TM_EXCLUDES(mutex_);

  void RunSteps();
  void RunIdleWatch() TM_EXCLUDES(mutex_);

  rpc::Authorizer* const authorizer_;
  store::SignalReader* const reader_;
  const DataAccess* const access_;
  const SampleReadsOptions options_;
  BoundedQueue<SampleRead*> steps_;  // a call stands in it once at most
  mutable Mutex mutex_;
  CondVar stopping_;
  bool stop_ TM_GUARDED_BY(mutex_) = false;
  std::set<SampleRead*> reads_ TM_GUARDED_BY(mutex_);
  std::map<PrincipalId, size_t> reads_of_caller_ TM_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace tidemark::study
