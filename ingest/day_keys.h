// The data keys of one commit: all of the same UTC day.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "store/key_store.h"

namespace tidemark::ingest {

class DayKeys {
 public:
  DayKeys(store::KeyStore* store, absl::Time now)
      : store_(store), utc_day_(static_cast<int32_t>(absl::ToUnixSeconds(now) / kDaySeconds)) {}

  // Null when the participant was erased: nothing of theirs may be written any more.
  //   UNAVAILABLE  the key store cannot be read or written
  absl::StatusOr<const store::DataKey*> Find(ParticipantId participant, StreamId stream);

 private:
  static constexpr int64_t kDaySeconds = 86'400;

  store::KeyStore* const store_;
  const int32_t utc_day_;
  std::map<std::pair<ParticipantId, StreamId>, std::optional<store::DataKey>> keys_;
};

}  // namespace tidemark::ingest
