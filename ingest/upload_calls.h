// All Upload calls of a server: authorizes them off gRPC's threads and ends those that are revoked.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/mutex.h"
#include "base/rpc/guard.h"
#include "ingest/open_uploads.h"
#include "ingest/stop_flag.h"
#include "ingest/upload_reactor.h"

namespace tidemark::ingest {

// A credential may be looked up in the database, which gRPC's few callback threads must not wait
// for: two threads of its own authorize new calls. Another asks every two seconds, for all open
// calls together, whether their credentials still hold: with answers that are at most 5 s old a
// revocation ends an idle call within 10 s, however many are open. Thread-safe.
class UploadCalls {
 public:
  UploadCalls(Ingest* ingest, rpc::Authorizer* authorizer);
  ~UploadCalls();

  // A reactor for a new call. It deletes itself.
  grpc::ServerBidiReactor<v1::UploadRequest, v1::UploadResponse>* Open(
      grpc::CallbackServerContext* context);

  // Refuses new calls, lets open ones deliver the receipts of what they took before they end as
  // UNAVAILABLE, and joins the threads. Does not wait for the calls. Safe to repeat.
  void Shutdown();

 private:
  struct NewCall {
    const grpc::CallbackServerContext* context = nullptr;  // lives as long as the call
    std::shared_ptr<UploadStream> stream;
  };
  static constexpr size_t kNewCallsMax = 1'024;
  static constexpr size_t kOpenCallsMax = 20'000;
  static constexpr int kAuthorizingThreads = 2;
  static constexpr std::chrono::milliseconds kRecheckEvery{2'000};

  void RunAuthorization();
  void RunRecheck();
  // The outcome of authorization, unless there are too many calls.
  absl::StatusOr<rpc::Caller> Admit(absl::StatusOr<rpc::Caller> caller,
                                    const std::shared_ptr<UploadStream>& stream);

  Ingest* const ingest_;
  rpc::Authorizer* const authorizer_;
  BoundedQueue<NewCall> new_calls_{kNewCallsMax, kNewCallsMax};
  StopFlag stop_;
  OpenUploads open_{kOpenCallsMax};
  Mutex mutex_;
  bool shut_down_ TM_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace tidemark::ingest
