#include "ingest/upload_stream.h"

#include <google/protobuf/util/time_util.h>

#include <utility>

#include "base/rpc/reason.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

Sender SenderOf(const rpc::Caller& caller) {
  return {caller.study_id, caller.participant_id, caller.device_id};
}

absl::Status CheckChunks(const v1::ChunkMessage& chunks) {
  const int count = chunks.envelopes_size();
  if (count == 0 || count > static_cast<int>(kChunksPerMessageMax)) {
    return rpc::FieldError("chunks.envelopes", "has 1 to 256 entries");
  }
  if (count > 1 && chunks.ByteSizeLong() > kChunkMessageBytesMax) {
    return rpc::FieldError("chunks", "has at most 1 MiB, unless it is one envelope");
  }
  return absl::OkStatus();
}

}  // namespace

void UploadStream::OnAuthorized(absl::StatusOr<rpc::Caller> caller) {
  {
    MutexLock lock(mutex_);
    phase_ = Phase::kAwaitingOpen;
    authorized_at_ = ingest_->clock().Now();
    if (caller.ok()) {
      caller_ = *std::move(caller);
    } else if (!end_) {
      end_ = caller.status();
    }
  }
  Pump();
}

void UploadStream::OnReadDone(bool ok) {
  {
    MutexLock lock(mutex_);
    reading_ = false;
    if (!ok) {
      half_closed_ = true;
    } else if (!drained_) {  // else undecided: the call ends before it could be
      const absl::Status status = TakeMessage();
      if (!status.ok() && !end_) end_ = status;
    }
  }
  Pump();
}

void UploadStream::OnWriteDone(bool ok) {
  {
    MutexLock lock(mutex_);
    writing_ = false;
    chunks_in_flight_ -= responses_.front().chunks;
    responses_.pop_front();
    if (!ok && !end_) end_ = absl::CancelledError("the client is gone");
  }
  Pump();
}

void UploadStream::OnCancel() { End(absl::CancelledError("the client is gone")); }

void UploadStream::End(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (!end_) end_ = status;
  }
  Pump();
}

void UploadStream::Drain(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (half_closed_ && pending_.empty()) return;  // ends by itself with all receipts
    drained_ = status;
    // What found no room yet stays undecided.
    for (const Submission& waiting : pending_) chunks_in_flight_ -= waiting.envelopes.size();
    pending_.clear();
  }
  Pump();
}

std::optional<rpc::Caller> UploadStream::CallerToRecheck() {
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kAuthorizing || end_) return std::nullopt;
    const bool overdue =
        phase_ == Phase::kAwaitingOpen && ingest_->clock().Now() - authorized_at_ > kOpenWithin;
    if (!overdue) return caller_;
  }
  End(absl::DeadlineExceededError("open follows within 30 s"));
  return std::nullopt;
}

void UploadStream::OnRechecked(const absl::Status& status) {
  if (absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status)) End(status);
}

// Messages --------------------------------------------------------------------------------------

absl::Status UploadStream::TakeMessage() {
  TM_RETURN_IF_ERROR(ingest_->CheckReady());
  if (phase_ == Phase::kAwaitingOpen) return TakeOpen();
  TM_RETURN_IF_ERROR(authorizer_->Recheck(caller_, /*may_block=*/false));
  return TakeChunks();
}

absl::Status UploadStream::TakeOpen() {
  if (!request_.has_open()) return rpc::FieldError("open", "is the first message");
  if (request_.open().stream_ids_size() > kStreamsPerOpenMax) {
    return rpc::FieldError("open.stream_ids", "has at most 256 entries");
  }
  phase_ = Phase::kOpen;
  if (request_.open().stream_ids_size() > 0) ingest_->Expect(SenderOf(caller_));
  v1::UploadResponse response;
  v1::UploadOpened& opened = *response.mutable_opened();
  opened.set_chunks_in_flight_max(kChunksInFlightMax);
  *opened.mutable_server_time() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(
      absl::ToUnixMicros(ingest_->clock().Now()));
  opened.set_restore_generation(ingest_->restore_generation());
  Send(std::move(response), 0);
  return absl::OkStatus();
}

absl::Status UploadStream::TakeChunks() {
  if (!request_.has_chunks()) return rpc::FieldError("chunks", "follow the first message");
  TM_RETURN_IF_ERROR(CheckChunks(request_.chunks()));
  auto& envelopes = *request_.mutable_chunks()->mutable_envelopes();
  std::vector<v1::ChunkEnvelope> taken(std::make_move_iterator(envelopes.begin()),
                                       std::make_move_iterator(envelopes.end()));
  chunks_in_flight_ += taken.size();
  const Sender sender = SenderOf(caller_);
  for (std::vector<v1::ChunkEnvelope>& run : SplitEnvelopes(std::move(taken))) {
    const size_t chunks = run.size();
    pending_.push_back({sender, std::move(run), [self = shared_from_this(), chunks](auto receipts) {
                          self->OnReceipts(chunks, std::move(receipts));
                        }});
  }
  SubmitPending();
  return absl::OkStatus();
}

void UploadStream::SubmitPending() {
  while (!pending_.empty() && !end_) {
    const Take take = ingest_->TrySubmit(pending_.front(), this, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->OnRoom();
    });
    if (take == Take::kClosed) end_ = absl::UnavailableError("the server is shutting down");
    if (take != Take::kTaken) return;
    pending_.pop_front();
  }
}

void UploadStream::OnRoom() {
  {
    MutexLock lock(mutex_);
    SubmitPending();
  }
  Pump();
}

void UploadStream::OnReceipts(size_t chunks, absl::StatusOr<v1::ReceiptBatch> receipts) {
  {
    MutexLock lock(mutex_);
    if (receipts.ok()) {
      v1::UploadResponse response;
      *response.mutable_receipts() = *std::move(receipts);
      if (!end_) Send(std::move(response), chunks);
    } else if (!end_) {
      end_ = receipts.status();
    }
  }
  Pump();
}

// Actions ---------------------------------------------------------------------------------------

bool UploadStream::IsDrained() const {
  return (half_closed_ || drained_) && chunks_in_flight_ == 0 && responses_.empty();
}

// An end does not wait for a write that a slow client blocks: gRPC sends the status after it.
UploadStream::Action UploadStream::NextAction() {
  if (finished_ || phase_ == Phase::kAuthorizing) return Action::kNone;
  if (end_ || IsDrained()) {
    finished_ = true;
    return Action::kFinish;
  }
  if (!writing_ && !responses_.empty()) {
    writing_ = true;
    return Action::kWrite;
  }
  const bool may_read = pending_.empty() && chunks_in_flight_ < kChunksInFlightMax;
  if (!reading_ && !half_closed_ && !drained_ && may_read) {
    reading_ = true;
    return Action::kRead;
  }
  return Action::kNone;
}

void UploadStream::Pump() {
  // The transport may be gone as soon as Finish was called; this object must not be.
  const std::shared_ptr<UploadStream> self = shared_from_this();
  while (true) {
    const v1::UploadResponse* response = nullptr;
    absl::Status status;
    Action action;
    {
      MutexLock lock(mutex_);
      if (pumping_) return;  // whoever pumps looks again after its action
      action = NextAction();
      if (action == Action::kNone) return;
      pumping_ = true;
      if (action == Action::kWrite) response = &responses_.front().response;
      if (action == Action::kFinish) {
        status = rpc::WithCaller(end_ ? *end_ : drained_.value_or(absl::OkStatus()), *authorizer_,
                                 caller_);
      }
    }
    switch (action) {
      case Action::kRead:
        request_.Clear();
        transport_->StartRead(&request_);
        break;
      case Action::kWrite:
        transport_->StartWrite(response);
        break;
      case Action::kFinish:
        ingest_->StopWaiting(this);
        transport_->Finish(status);
        return;
      case Action::kNone:
        break;
    }
    MutexLock lock(mutex_);
    pumping_ = false;
  }
}

}  // namespace tidemark::ingest
