// Which chunks an erasure of a range covers, and hiding them.
//
//   study range ─► device range of each clock ─► chunks marked ─► the keys that seal them, noted
//
// All of it happens in the transaction that accepts the erasure, so that from its commit on no
// reader sees what is marked. study/range_erasure_job.h then destroys it.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "core/signal/overview.h"
#include "store/placement.h"
#include "store/reader_pool.h"

namespace tidemark::study {

// How study time becomes device time. Both outlive their users.
struct ClockSources {
  store::ReaderPool* readers = nullptr;
  store::PlacementSource* placements = nullptr;
};

// What one erasure marks in its transaction: some seconds. More would hold the participant's rows
// for too long.
inline constexpr int64_t kMarkedChunksMax = 100'000;

struct RangeToErase {
  Uuid erasure_id;
  ParticipantId participant_id;
  StudyId study_id;
  std::vector<StreamId> stream_ids;  // none: all
  signal::TimeRange study;
  int64_t chunks_max = kMarkedChunksMax;
};

// Why rows of chunks stay that are marked, in the record of the erasure.
inline constexpr char kMarksStay[] = "what there was and when, marked as erased";

struct RangeMarks {
  int64_t chunks = 0;           // marked now
  int64_t unplaced_chunks = 0;  // of these streams, that study time does not reach
};

// The transaction sees the participant and holds its row locked, so that marks and segments that
// are sealed anew come one after the other. Streams of clock records are no recordings and stay:
// without them nothing that is kept had a place in time.
//   INVALID_ARGUMENT  a named stream holds clock records, or the range more than chunks_max
//   NOT_FOUND         a named stream is not the participant's
absl::StatusOr<RangeMarks> MarkRange(db::Transaction& tx, const ClockSources& sources,
                                     const RangeToErase& range, absl::Time deadline);

}  // namespace tidemark::study
