#include "ingest/upload_calls.h"

#include <utility>

#include "base/rpc/reason.h"

namespace tidemark::ingest {
namespace {

constexpr absl::Duration kTooManyCallsRetry = absl::Seconds(5);

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

absl::Status TooManyCalls() {
  return rpc::WithRetry(rpc::Error(absl::StatusCode::kResourceExhausted,
                                   v1::ERROR_REASON_OVERLOADED, "too many calls are open"),
                        kTooManyCallsRetry);
}

}  // namespace

UploadCalls::UploadCalls(Ingest* ingest, rpc::Authorizer* authorizer)
    : ingest_(ingest), authorizer_(authorizer) {
  for (int i = 0; i < kAuthorizingThreads; ++i) {
    threads_.emplace_back([this] { RunAuthorization(); });
  }
  threads_.emplace_back([this] { RunRecheck(); });
}

UploadCalls::~UploadCalls() { Shutdown(); }

grpc::ServerBidiReactor<v1::UploadRequest, v1::UploadResponse>* UploadCalls::Open(
    grpc::CallbackServerContext* context) {
  auto* const reactor = new UploadReactor(ingest_, authorizer_, context);
  const std::shared_ptr<UploadStream> stream = reactor->stream();
  NewCall call{context, stream};
  if (!new_calls_.TryPush(call, 1)) {
    stream->OnAuthorized(TooManyCalls());
  }
  return reactor;
}

void UploadCalls::Shutdown() {
  {
    MutexLock lock(mutex_);
    if (shut_down_) return;
    shut_down_ = true;
  }
  new_calls_.Close();
  stop_.Stop();
  for (std::thread& thread : threads_) thread.join();
  for (const std::shared_ptr<UploadStream>& stream : open_.All()) stream->Drain(ShuttingDown());
}

// The context outlives the authorization, because a stream does not finish before it has its
// outcome.
void UploadCalls::RunAuthorization() {
  while (true) {
    std::vector<NewCall> calls = new_calls_.PopSome(1, 0);
    if (calls.empty()) return;
    NewCall& call = calls.front();
    call.stream->OnAuthorized(Admit(
        authorizer_->Authorize(kUploadMethod, *call.context, v1::UploadRequest()), call.stream));
  }
}

absl::StatusOr<rpc::Caller> UploadCalls::Admit(absl::StatusOr<rpc::Caller> caller,
                                               const std::shared_ptr<UploadStream>& stream) {
  if (!caller.ok()) return caller;
  OpenUploads::Added added;
  {
    MutexLock lock(mutex_);
    if (shut_down_) return ShuttingDown();
    added = open_.Add(caller->device_id, stream);
  }
  if (added.displaced != nullptr) {
    added.displaced->End(absl::AbortedError("a newer call of this device takes its place"));
  }
  if (!added.taken) return TooManyCalls();
  return caller;
}

void UploadCalls::RunRecheck() {
  while (!stop_.WaitFor(kRecheckEvery)) {
    open_.Recheck(*authorizer_);
  }
}

}  // namespace tidemark::ingest
