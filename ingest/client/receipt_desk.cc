#include "ingest/client/receipt_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "ingest/client/durable_file.h"

namespace tidemark::ingest {
namespace {

// Their receipts fit the outbox's reserve many times.
constexpr size_t kAnswersAtOnceOnFullDisk = 64;

// A receipt that ends a chunk's life in the outbox is kept as evidence.
bool IsFinal(Disposition disposition) {
  return disposition == Disposition::kDelete || disposition == Disposition::kKeep ||
         disposition == Disposition::kStopAndDelete;
}

}  // namespace

void ReceiptDesk::SetKeys(ReceiptKeys keys) {
  MutexLock lock(mutex_);
  keys_ = std::move(keys);
}

absl::Status ReceiptDesk::Handle(const v1::ReceiptBatch& batch, ChunkQueue& queue) {
  MutexLock lock(mutex_);
  TM_ASSIGN_OR_RETURN(const Answers answers, Read(batch, queue));
  absl::Status settled = Settle(answers.known, queue);
  // NOT_FOUND stands for the key of the signature.
  if (absl::IsNotFound(settled)) {
    return OnThisMachine(absl::UnavailableError(std::string(settled.message())));
  }
  if (settled.ok() && !answers.all_named) {
    return absl::UnavailableError("the server cannot tell which chunk it refused");
  }
  return settled;
}

absl::StatusOr<ReceiptDesk::Answers> ReceiptDesk::Read(const v1::ReceiptBatch& batch,
                                                       const ChunkQueue& queue) {
  TM_ASSIGN_OR_RETURN(const auto statements, VerifyReceiptBatch(batch, keys_));
  Answers answers;
  for (size_t i = 0; i < statements.size(); ++i) {
    const v1::ReceiptStatement& statement = statements[i];
    ++report_.receipts[statement.outcome()];
    answers.all_named &= statement.sha256().size() == sizeof(Sha256Digest);
    const auto in_flight = queue.Find(statement.sha256());
    if (!in_flight) continue;  // an answer to an earlier connection's copy
    Answered& answer = answers.known.emplace_back();
    answer.statement = statement;
    answer.ref = in_flight->ref;
    answer.body_bytes = in_flight->body_bytes;
    answer.decision = Decide(statement, in_flight->ref, options_.device_id, in_flight->resends,
                             options_.accept_unsafe_durability);
    if (answer.decision.disposition == Disposition::kWait &&
        in_flight->waits >= options_.waits_max) {
      answer.decision = {Disposition::kLeave, {}, Describe(statement)};
    }
    if (!IsFinal(answer.decision.disposition)) continue;
    TM_ASSIGN_OR_RETURN(answer.receipt, ToStandalone(batch, static_cast<int>(i)));
  }
  return answers;
}

absl::Status ReceiptDesk::Settle(std::span<const Answered> answers, ChunkQueue& queue) {
  const absl::Status written = WriteDown(answers);
  if (!IsDiskFull(written)) {
    TM_RETURN_IF_ERROR(written);
    TM_RETURN_IF_ERROR(Act(answers, queue));
    outbox_.RestoreReserve();
    return absl::OkStatus();
  }
  while (!answers.empty()) {
    const auto some = answers.first(std::min(answers.size(), kAnswersAtOnceOnFullDisk));
    answers = answers.subspan(some.size());
    TM_RETURN_IF_ERROR(outbox_.WriteFromReserve([&] { return WriteDown(some); }));
    TM_RETURN_IF_ERROR(Act(some, queue));
    outbox_.RestoreReserve();
  }
  return absl::OkStatus();
}

absl::Status ReceiptDesk::WriteDown(std::span<const Answered> answers) {
  std::vector<v1::Receipt> receipts;
  for (const Answered& answer : answers) {
    if (answer.receipt) receipts.push_back(*answer.receipt);
  }
  return receipts.empty() ? absl::OkStatus() : ledger_.Append(receipts);
}

absl::Status ReceiptDesk::Act(std::span<const Answered> answers, ChunkQueue& queue) {
  for (const Answered& answer : answers) TM_RETURN_IF_ERROR(ActOnOne(answer, queue));
  if (options_.on_progress) {
    report_.chunks_left = outbox_.pending_chunks();
    options_.on_progress(report_);
  }
  return absl::OkStatus();
}

absl::Status ReceiptDesk::ActOnOne(const Answered& answer, ChunkQueue& queue) {
  const std::string& sha256 = answer.statement.sha256();
  switch (answer.decision.disposition) {
    case Disposition::kResend:
      queue.Resend(sha256);
      return absl::OkStatus();
    case Disposition::kWait:
      Wait(answer, queue);
      return absl::OkStatus();
    case Disposition::kLeave:
      report_.note = answer.decision.why;
      break;
    case Disposition::kDelete:
      TM_RETURN_IF_ERROR(outbox_.Delete(std::span(&answer.ref, 1)));
      ++report_.chunks_deleted;
      if (answer.statement.outcome() == v1::OUTCOME_QUARANTINED) ++report_.chunks_set_aside;
      report_.body_bytes_deleted += answer.body_bytes;
      TM_RETURN_IF_ERROR(HeedConflict(answer));
      break;
    case Disposition::kKeep:
      TM_RETURN_IF_ERROR(outbox_.Keep(answer.ref, answer.decision.why));
      TM_RETURN_IF_ERROR(HeedConflict(answer));
      to_abandon_.push_back(answer.ref);
      ++report_.chunks_kept;
      report_.note = answer.decision.why;
      break;
    case Disposition::kStopAndDelete:
      // An older one may lie outside a consent that holds again: what is recorded now tells.
      if (outbox_.IsNewest(answer.ref)) {
        TM_RETURN_IF_ERROR(outbox_.StopStream(answer.ref.stream_id));
      }
      TM_RETURN_IF_ERROR(outbox_.Delete(std::span(&answer.ref, 1)));
      ++report_.chunks_stopped;
      report_.note = Describe(answer.statement);
      break;
  }
  queue.Drop(sha256);
  return absl::OkStatus();
}

void ReceiptDesk::Wait(const Answered& answer, ChunkQueue& queue) {
  const absl::Time until = options_.clock->Now() + answer.decision.wait;
  queue.Wait(answer.statement.sha256(), until);
  if (until < longest_wait_until_) return;
  longest_wait_until_ = until;
  longest_wait_reason_ = Describe(answer.statement);
}

// The number was used by another life of this outbox: numbers to come must be of a new writer.
absl::Status ReceiptDesk::HeedConflict(const Answered& answer) {
  if (answer.statement.reason() != v1::RECEIPT_REASON_CONFLICT) return absl::OkStatus();
  for (const OutboxStream& stream : outbox_.Streams()) {
    if (stream.stream_id != answer.ref.stream_id) continue;
    if (stream.writer_id != answer.ref.writer_id) return absl::OkStatus();
    ++report_.writers_started;
    return outbox_.StartNewWriter(stream.stream_id);
  }
  return absl::OkStatus();
}

absl::Status ReceiptDesk::KeepDamaged(const ChunkRef& ref, std::string_view why) {
  MutexLock lock(mutex_);
  TM_RETURN_IF_ERROR(outbox_.Keep(ref, why));
  to_abandon_.push_back(ref);
  ++report_.chunks_kept;
  report_.note = std::string(why);
  return absl::OkStatus();
}

void ReceiptDesk::CountSent(uint64_t envelope_bytes) {
  MutexLock lock(mutex_);
  report_.envelope_bytes_sent += envelope_bytes;
}

void ReceiptDesk::NoteWait(absl::Duration wait) {
  MutexLock lock(mutex_);
  report_.note =
      fmt::format("{}: the server takes them in {} at the earliest", longest_wait_reason_,
                  absl::FormatDuration(absl::Ceil(wait, absl::Seconds(1))));
}

std::vector<ChunkRef> ReceiptDesk::TakeToAbandon() {
  MutexLock lock(mutex_);
  return std::exchange(to_abandon_, {});
}

void ReceiptDesk::Note(const std::function<void(UploadReport&)>& change) {
  MutexLock lock(mutex_);
  change(report_);
}

UploadReport ReceiptDesk::report() const {
  MutexLock lock(mutex_);
  return report_;
}

uint64_t ReceiptDesk::settled() const {
  MutexLock lock(mutex_);
  return report_.chunks_deleted + report_.chunks_kept + report_.chunks_stopped;
}

}  // namespace tidemark::ingest
