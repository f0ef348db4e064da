// The data keys of one commit: all of the same UTC day.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ingest/chunk.h"
#include "store/key_store.h"

namespace tidemark::ingest {

// What a device waits when its participant's key fails: until a person has looked.
inline constexpr uint32_t kKeyFaultRetryMs = 60 * 1'000;

// The stream whose keys seal bodies in quarantine: none. The streams that such bodies name may be a
// device's invention, one per chunk, and every key is a file that a commit waits for.
inline constexpr StreamId kQuarantineKeyStream{};

// Asks the store once for each key, also when it fails: a fault is logged once per commit.
class DayKeys {
 public:
  DayKeys(store::KeyStore* store, absl::Time now)
      : store_(store), utc_day_(static_cast<int32_t>(absl::ToUnixSeconds(now) / kDaySeconds)) {}

  // The key that seals what is written now, made if there was none. Null when the participant was
  // erased: nothing of theirs may be written any more.
  //   UNAVAILABLE  the key store cannot be read or written
  //   DATA_LOSS    a key that was made is missing or damaged
  absl::StatusOr<const store::DataKey*> Find(ParticipantId participant, StreamId stream);

  // How a chunk is answered for which Find() has no key; nothing when there is one. A key that
  // fails is the matter of its participant alone, who shares commits with others.
  std::optional<Verdict> Refusal(ParticipantId participant, StreamId stream);
  // The same by the mark of an erasure alone, without making a key.
  std::optional<Verdict> RefusalIfErased(ParticipantId participant);

 private:
  static constexpr int64_t kDaySeconds = 86'400;
  using Key = absl::StatusOr<std::optional<store::DataKey>>;

  Key Ask(ParticipantId participant, StreamId stream) const;

  store::KeyStore* const store_;
  const int32_t utc_day_;
  std::map<std::pair<ParticipantId, StreamId>, Key> keys_;
  std::map<ParticipantId, std::optional<Verdict>> by_mark_;
};

}  // namespace tidemark::ingest
