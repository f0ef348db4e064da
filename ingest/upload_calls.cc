#include "ingest/upload_calls.h"

#include <utility>

namespace tidemark::ingest {
namespace {

constexpr std::string_view kUploadMethod = "/tidemark.v1.IngestService/Upload";

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

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
  auto* const reactor = new UploadReactor(ingest_, authorizer_);
  const std::shared_ptr<UploadStream> stream = reactor->stream();
  NewCall call{context, stream};
  if (!new_calls_.TryPush(call, 1)) {
    stream->OnAuthorized(absl::ResourceExhaustedError("too many calls are being opened"));
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
  for (const std::shared_ptr<UploadStream>& stream : OpenStreams()) stream->Drain(ShuttingDown());
}

// The context outlives the authorization, because a stream does not finish before it has its
// outcome.
void UploadCalls::RunAuthorization() {
  while (true) {
    std::vector<NewCall> calls = new_calls_.PopSome(1, 0);
    if (calls.empty()) return;
    NewCall& call = calls.front();
    absl::StatusOr<rpc::Caller> caller =
        authorizer_->Authorize(kUploadMethod, *call.context, v1::UploadRequest());
    bool refused = false;
    {
      MutexLock lock(mutex_);
      refused = shut_down_;
      if (caller.ok() && !refused) streams_.push_back(call.stream);
    }
    if (refused) caller = ShuttingDown();
    call.stream->OnAuthorized(std::move(caller));
  }
}

void UploadCalls::RunRecheck() {
  while (!stop_.WaitFor(kRecheckEvery)) {
    for (const std::shared_ptr<UploadStream>& stream : OpenStreams()) stream->Recheck();
  }
}

std::vector<std::shared_ptr<UploadStream>> UploadCalls::OpenStreams() {
  std::vector<std::shared_ptr<UploadStream>> open;
  MutexLock lock(mutex_);
  std::erase_if(streams_, [&](const std::weak_ptr<UploadStream>& weak) {
    if (auto stream = weak.lock()) open.push_back(std::move(stream));
    return weak.expired();
  });
  return open;
}

}  // namespace tidemark::ingest
