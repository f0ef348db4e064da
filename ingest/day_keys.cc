#include "ingest/day_keys.h"

#include "base/log.h"

namespace tidemark::ingest {
namespace {

Verdict Erased() { return Verdict::StopAndDelete(v1::RECEIPT_REASON_NO_CONSENT); }
Verdict KeyFails() { return Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, kKeyFaultRetryMs); }

// Whose key it is stays out of logs: the store's own message says what to do.
void LogFault(const absl::Status& fault) {
  LogError("ingest: chunks of a participant wait for their key: {}", std::string(fault.message()));
}

}  // namespace

DayKeys::Key DayKeys::Ask(ParticipantId participant, StreamId stream) const {
  absl::StatusOr<store::DataKey> asked = store_->KeyForWriting(participant, stream, utc_day_);
  if (asked.ok()) return std::optional(*std::move(asked));
  if (absl::IsFailedPrecondition(asked.status())) return std::optional<store::DataKey>();
  LogFault(asked.status());
  return asked.status();
}

absl::StatusOr<const store::DataKey*> DayKeys::Find(ParticipantId participant, StreamId stream) {
  auto found = keys_.find({participant, stream});
  if (found == keys_.end()) {
    found = keys_.emplace(std::pair(participant, stream), Ask(participant, stream)).first;
  }
  const Key& key = found->second;
  if (!key.ok()) return key.status();
  return *key ? &**key : nullptr;
}

std::optional<Verdict> DayKeys::Refusal(ParticipantId participant, StreamId stream) {
  const absl::StatusOr<const store::DataKey*> key = Find(participant, stream);
  if (!key.ok()) return KeyFails();
  return *key == nullptr ? std::optional(Erased()) : std::nullopt;
}

// The store answers NOT_FOUND for what was destroyed only: a key that was never made, or cannot be
// opened, is no erasure.
std::optional<Verdict> DayKeys::RefusalIfErased(ParticipantId participant) {
  auto found = by_mark_.find(participant);
  if (found == by_mark_.end()) {
    std::optional<Verdict> refusal;
    const absl::Status asked = store_->Find(participant, store::DataKeyName()).status();
    if (absl::IsNotFound(asked)) refusal = Erased();
    if (absl::IsUnavailable(asked)) {
      LogFault(asked);
      refusal = KeyFails();
    }
    found = by_mark_.emplace(participant, refusal).first;
  }
  return found->second;
}

}  // namespace tidemark::ingest
