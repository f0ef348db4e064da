#include "study/signal/sample_reads.h"

#include "base/rpc/reason.h"
#include "study/signal/sample_read.h"

namespace tidemark::study {
namespace {

// The answer to a call that is not even begun.
class RefusedRead final : public grpc::ServerWriteReactor<v1::ReadSamplesResponse> {
 public:
  explicit RefusedRead(const absl::Status& status) { Finish(rpc::ToGrpc(status)); }
  void OnDone() override { delete this; }
};

absl::Status TooMany(const char* message) {
  return rpc::Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED, message);
}

}  // namespace

SampleReads::SampleReads(rpc::Authorizer* authorizer, store::SignalReader* reader,
                         const DataAccess* access, const SampleReadsOptions& options)
    : authorizer_(authorizer),
      reader_(reader),
      access_(access),
      options_(options),
      steps_(options.reads_max, options.reads_max) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { RunSteps(); });
  threads_.emplace_back([this] { RunIdleWatch(); });
}

SampleReads::~SampleReads() {
  steps_.Close();
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  stopping_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

grpc::ServerWriteReactor<v1::ReadSamplesResponse>* SampleReads::Open(
    grpc::CallbackServerContext* context, const v1::ReadSamplesRequest& request) {
  auto* const read = [&]() -> SampleRead* {
    MutexLock lock(mutex_);
    if (reads_.size() >= options_.reads_max) return nullptr;
    return *reads_.insert(new SampleRead(this, context, request)).first;
  }();
  if (read == nullptr) return new RefusedRead(TooMany("the server has too many open reads"));
  if (!Schedule(read)) read->End(absl::UnavailableError("the server is going down"));
  return read;
}

bool SampleReads::Schedule(SampleRead* read) { return steps_.TryPush(read, 1); }

absl::Status SampleReads::Admit(const rpc::Caller& caller) {
  MutexLock lock(mutex_);
  size_t& open = reads_of_caller_[caller.principal_id];
  if (open >= options_.reads_per_caller_max) return TooMany("the caller has too many open reads");
  ++open;
  return absl::OkStatus();
}

void SampleReads::Forget(SampleRead* read, const PrincipalId* admitted) {
  MutexLock lock(mutex_);
  reads_.erase(read);
  if (admitted == nullptr) return;
  const auto found = reads_of_caller_.find(*admitted);
  if (--found->second == 0) reads_of_caller_.erase(found);
}

size_t SampleReads::open() const {
  MutexLock lock(mutex_);
  return reads_.size();
}

size_t SampleReads::EndIdle(std::chrono::steady_clock::time_point now) {
  MutexLock lock(mutex_);
  size_t ended = 0;
  for (SampleRead* const read : reads_) {
    if (!read->HasWaitedSince(now - options_.idle_max)) continue;
    read->Cancel();
    ++ended;
  }
  return ended;
}

void SampleReads::RunSteps() {
  while (true) {
    const std::vector<SampleRead*> next = steps_.PopSome(1, 1);
    if (next.empty()) return;
    next.front()->Step();
  }
}

void SampleReads::RunIdleWatch() {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    {
      MutexLock lock(mutex_);
      if (!stop_) stopping_.WaitUntil(mutex_, now + options_.idle_max / 4);
      if (stop_) return;
    }
    EndIdle(std::chrono::steady_clock::now());
  }
}

}  // namespace tidemark::study
