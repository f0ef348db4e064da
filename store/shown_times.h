// What of a stream may be shown, by the consent to its kind of data and by what was erased.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "store/consent.h"
#include "store/consent_book.h"
#include "store/stream_info.h"

namespace tidemark::store {

struct ShownTimes {
  ConsentTimes placed;    // study times
  ConsentTimes arrivals;  // server times, of what has no place on study time

  bool ShowsUnplaced(int64_t arrived_at_us) const {
    return arrivals.Contains(arrived_at_us * 1'000);
  }
};

// As the book has it now: ask again in a read that lasts. What was erased is left out here too,
// although readers see the marks of erased chunks: what found its place later has none.
absl::StatusOr<ShownTimes> FindShownTimes(ConsentBook& book, const StreamInfo& stream,
                                          absl::Time deadline);

}  // namespace tidemark::store
