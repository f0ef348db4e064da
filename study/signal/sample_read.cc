#include "study/signal/sample_read.h"

#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "study/handle.h"
#include "study/signal/signal_codec.h"

namespace tidemark::study {
namespace {

// A long recording to a slow client; a client with less patience says so by its deadline.
constexpr absl::Duration kReadSamplesMost = absl::Hours(4);
// A step ends when so much waits to be sent, or so many chunks were looked at.
constexpr size_t kStepBytes = 512 << 10;
constexpr int kStepChunks = 256;

}  // namespace

void SampleRead::Step() {
  if (cancelled_) return End(absl::CancelledError("the client is gone"));
  if (const absl::Status advanced = Advance(); !advanced.ok()) outcome_ = advanced;
  Pass();
}

// On to whoever is next.
void SampleRead::Pass() {
  if (!messages_.empty()) return Send();
  if (outcome_) return End(*outcome_);
  if (!reads_->Schedule(this)) End(absl::UnavailableError("the server is going down"));
}

absl::Status SampleRead::Advance() {
  if (!caller_) {
    TM_RETURN_IF_ERROR(Begin());
  } else {
    TM_RETURN_IF_ERROR(reads_->authorizer_->Recheck(*caller_, /*may_block=*/true));
  }
  if (absl::Now() >= deadline_) return absl::DeadlineExceededError("no time left to read");
  size_t bytes = 0;
  for (int i = 0; i < kStepChunks && bytes < kStepBytes && !outcome_; ++i) {
    TM_RETURN_IF_ERROR(ReadPiece());
    bytes += messages_.TakeAddedBytes();
  }
  return absl::OkStatus();
}

absl::Status SampleRead::Begin() {
  TM_ASSIGN_OR_RETURN(caller_,
                      reads_->authorizer_->Authorize(kReadSamplesMethod, *context_, request_));
  TM_RETURN_IF_ERROR(reads_->Admit(*caller_));
  admitted_ = caller_->principal_id;
  deadline_ = rpc::DeadlineOf(*context_, kReadSamplesMost);
  TM_ASSIGN_OR_RETURN(queries_, DecodeReadSamples(caller_->object_participant, request_));
  // A wrong id costs nothing: all streams are looked up before the first message.
  std::vector<StreamId> streams;
  for (const store::SampleQuery& query : queries_) streams.push_back(query.stream_id);
  TM_RETURN_IF_ERROR(
      reads_->reader_->CheckStreams(caller_->object_participant, streams, deadline_));
  Call call = CallOf(*caller_, *context_);
  call.deadline = deadline_;
  return reads_->access_->Check(call, streams, "signal.read");
}

// The next piece of the stream that is read, or the begin of the next stream. Damage of one stream
// does not keep the others back.
absl::Status SampleRead::ReadPiece() {
  if (reading_ == nullptr) {
    if (query_ == queries_.size()) {
      outcome_ = damage_;
      return absl::OkStatus();
    }
    auto opened = reads_->reader_->OpenSamples(queries_[query_], deadline_);
    if (!opened.ok()) return AsFieldError(opened.status());
    reading_ = *std::move(opened);
  }
  const absl::StatusOr<bool> more = reading_->Next({.block =
                                                        [&](const store::ReadBlock& block) {
                                                          messages_.Add(block);
                                                          return absl::OkStatus();
                                                        },
                                                    .unreadable =
                                                        [&](const store::UnreadablePiece& piece) {
                                                          messages_.Add(piece);
                                                          return absl::OkStatus();
                                                        }});
  if (more.ok() && *more) return absl::OkStatus();
  if (!more.ok() && !absl::IsDataLoss(more.status())) return AsFieldError(more.status());
  damage_.Update(more.status());
  reading_.reset();
  ++query_;
  return absl::OkStatus();
}

void SampleRead::Send() {
  sending_since_ = SteadyClock::now().time_since_epoch().count();
  StartWrite(&messages_.front());
}

void SampleRead::OnWriteDone(bool ok) {
  sending_since_ = 0;
  if (!ok) return End(absl::CancelledError("the client is gone"));
  messages_.Pop();
  Pass();
}

void SampleRead::End(const absl::Status& status) {
  Finish(log_.End(caller_ ? rpc::WithCaller(status, *reads_->authorizer_, *caller_) : status));
}

void SampleRead::OnDone() {
  reads_->Forget(this, admitted_ ? &*admitted_ : nullptr);
  delete this;
}

bool SampleRead::HasWaitedSince(SteadyClock::time_point then) const {
  const SteadyClock::rep since = sending_since_;
  return since != 0 && since <= then.time_since_epoch().count();
}

}  // namespace tidemark::study
