#include "ingest/bundle_upload.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "ingest/bundle.h"

namespace tidemark::ingest {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

SteadyTime ToSteady(absl::Time deadline) {
  return std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(deadline - absl::Now());
}

// What callbacks of a bundle write to; they may outlive the call.
class Receipts {
 public:
  void Add(absl::StatusOr<v1::ReceiptBatch> receipts) TM_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      --undecided_;
      if (receipts.ok()) {
        batches_.push_back(*std::move(receipts));
      } else {
        status_ = receipts.status();
      }
    }
    changed_.NotifyAll();
  }
  void Expect() TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++undecided_;
  }
  void Forget() TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    --undecided_;
  }
  void TellRoom() TM_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      ++rooms_told_;
    }
    changed_.NotifyAll();
  }
  int rooms_told() TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return rooms_told_;
  }
  // False when nobody told of room after `before` until the deadline.
  bool WaitForRoom(int before, SteadyTime deadline) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (rooms_told_ == before) {
      if (!changed_.WaitUntil(mutex_, deadline)) return rooms_told_ != before;
    }
    return true;
  }
  absl::StatusOr<std::vector<v1::ReceiptBatch>> WaitForAll(SteadyTime deadline)
      TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (undecided_ > 0 && changed_.WaitUntil(mutex_, deadline)) continue;
    if (!status_.ok()) return status_;
    if (undecided_ > 0) return absl::DeadlineExceededError("some entries are undecided");
    return std::move(batches_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t undecided_ TM_GUARDED_BY(mutex_) = 0;
  int rooms_told_ TM_GUARDED_BY(mutex_) = 0;
  std::vector<v1::ReceiptBatch> batches_ TM_GUARDED_BY(mutex_);
  absl::Status status_ TM_GUARDED_BY(mutex_);
};

// kFull only after `deadline`.
Take SubmitUntil(Ingest& ingest, Submission& submission, const std::shared_ptr<Receipts>& receipts,
                 SteadyTime deadline) {
  while (true) {
    const int rooms = receipts->rooms_told();
    receipts->Expect();
    const Take take =
        ingest.TrySubmit(submission, receipts.get(), [receipts] { receipts->TellRoom(); });
    if (take == Take::kTaken) return take;
    receipts->Forget();
    if (take == Take::kFull && receipts->WaitForRoom(rooms, deadline)) continue;
    ingest.StopWaiting(receipts.get());
    return take;
  }
}

}  // namespace

absl::StatusOr<v1::PutChunksResponse> UploadBundle(Ingest& ingest, const Sender& sender,
                                                   std::string_view bytes, absl::Time deadline) {
  TM_RETURN_IF_ERROR(ingest.CheckReady());
  absl::StatusOr<Bundle> bundle = ParseBundle(bytes);
  if (!bundle.ok()) return rpc::FieldError("bundle", std::string(bundle.status().message()));

  v1::PutChunksResponse response;
  response.set_entries_received(static_cast<uint32_t>(bundle->envelopes.size()));
  response.set_truncated(bundle->truncated);
  const auto receipts = std::make_shared<Receipts>();
  // Half of the time may go into waiting for room, the other half belongs to deciding.
  const SteadyTime room_deadline = ToSteady(absl::Now() + (deadline - absl::Now()) / 2);
  for (std::vector<v1::ChunkEnvelope>& run : SplitEnvelopes(std::move(bundle->envelopes))) {
    Submission submission{sender, std::move(run),
                          [receipts](auto batch) { receipts->Add(std::move(batch)); }};
    switch (SubmitUntil(ingest, submission, receipts, room_deadline)) {
      case Take::kTaken:
        break;
      case Take::kClosed:
        return absl::UnavailableError("the server is shutting down");
      case Take::kFull:
        *response.add_receipts() =
            ingest.Refuse(sender, submission.envelopes,
                          Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, kOverloadedRetryMs));
    }
  }
  TM_ASSIGN_OR_RETURN(std::vector<v1::ReceiptBatch> batches,
                      receipts->WaitForAll(ToSteady(deadline)));
  for (v1::ReceiptBatch& batch : batches) *response.add_receipts() = std::move(batch);
  return response;
}

}  // namespace tidemark::ingest
