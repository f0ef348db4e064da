// Sealing a segment anew, without what was erased of it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "store/key_store.h"

namespace tidemark::store {

// A row of `segment` as it lies there: both parts are sealed.
struct SealedSegment {
  std::string payload;
  std::string tiles;  // empty for none
};

struct SegmentPlace {
  ParticipantId participant_id;
  StreamId stream_id;
  SegmentId segment_id;
};

// What stands at `place`, sealed by `to`: slots that are to be kept byte for byte in their places,
// all others empty, so that no row of a chunk has to change. Nothing is opened if no slot is kept:
// what is damaged can be erased.
//   DATA_LOSS    a slot that is to be kept cannot be read: it does not open, its key is gone, or it
//                is not there
//   UNAVAILABLE  the key store cannot be read
absl::StatusOr<SealedSegment> ResealSegment(KeyStore& keys, const SegmentPlace& place,
                                            const SealedSegment& sealed,
                                            const std::vector<bool>& keep, const DataKey& to);

}  // namespace tidemark::store
