// What of a stream may be shown, by the consent to its kind of data.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "store/consent.h"
#include "store/consent_book.h"
#include "store/stream_info.h"

namespace tidemark::store {

// Study times whose recordings may be shown, as the book has it now: ask again in a read that
// lasts. What has no place on study time may be shown unless this is never.
absl::StatusOr<ConsentTimes> ShownTimes(ConsentBook& book, const StreamInfo& stream,
                                        absl::Time deadline);

}  // namespace tidemark::store
