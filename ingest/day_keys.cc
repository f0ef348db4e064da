#include "ingest/day_keys.h"

namespace tidemark::ingest {

absl::StatusOr<const store::DataKey*> DayKeys::Find(ParticipantId participant, StreamId stream) {
  auto found = keys_.find({participant, stream});
  if (found == keys_.end()) {
    std::optional<store::DataKey> key;
    absl::StatusOr<store::DataKey> asked = store_->KeyForWriting(participant, stream, utc_day_);
    if (asked.ok()) {
      key = *std::move(asked);
    } else if (!absl::IsFailedPrecondition(asked.status())) {
      return asked.status();
    }
    found = keys_.emplace(std::pair(participant, stream), std::move(key)).first;
  }
  return found->second ? &*found->second : nullptr;
}

}  // namespace tidemark::ingest
