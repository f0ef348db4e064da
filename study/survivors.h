// Moving what is kept under another key, so that the old key can be destroyed.
//
// Segments are sealed anew in their place: rows of chunks do not change, and a reader finds the old
// envelope or the new one. Slots of erased chunks become empty (store/reseal.h).
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "store/key_store.h"

namespace tidemark::study {

// A data key that is to be destroyed.
struct DoomedKey {
  ParticipantId participant_id;
  store::DataKeyName name;
  std::string name_bytes;  // as in segment.key_name
};

// The key that takes its place is that of `utc_day`, which must be a later one.
struct KeyMove {
  store::KeyStore* keys;
  DoomedKey from;
  int32_t utc_day = 0;
};

// What one transaction moves at most: what others may have to wait for.
inline constexpr int kMovedSegmentsMax = 64;
inline constexpr int64_t kMovedBytesMax = 1 << 20;

struct MovedSegments {
  int segments = 0;
  int64_t chunks_kept = 0;
  std::set<SegmentId> unreadable;  // stay: something in them is to be kept and cannot be read
  absl::Status first_fault;        // of them; OK if there are none
};
// Moves some segments that the key seals, other than those in `skip`. None left: the answer is
// empty. The transaction holds the participant's row locked, so that no chunk is marked meanwhile.
//   FAILED_PRECONDITION  the participant's key was destroyed
//   UNAVAILABLE          the key store cannot be read or written
absl::StatusOr<MovedSegments> MoveSegments(db::Transaction& tx, const KeyMove& move,
                                           const std::set<SegmentId>& skip);

// Bodies in quarantine that this key of their stream seals (docs/adr/0012) get the key that bodies
// in quarantine have today. Takes some after `after` and sets it; false when there are no more.
absl::StatusOr<bool> MoveHeldBodies(db::Transaction& tx, const KeyMove& move, QuarantineId& after);

}  // namespace tidemark::study
