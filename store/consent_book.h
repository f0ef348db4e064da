// What participants decided and had erased, as the database had it a few seconds ago at most.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/pool.h"
#include "base/ids.h"
#include "store/consent.h"
#include "store/fresh_cache.h"

namespace tidemark::store {

// Half of the 10 s within which a decision holds on every server; the rest is for the question.
inline constexpr absl::Duration kConsentFreshFor = absl::Seconds(5);

// Thread-safe. However many streams a participant has, they cost one question each 5 s; somebody
// who decided nothing at all is asked about each time, for the first decision is being waited for.
class ConsentBook {
 public:
  // `pool` connects as tm_ingest or tm_read; both outlive this.
  ConsentBook(db::Pool* pool, const Clock* clock, absl::Duration fresh_for = kConsentFreshFor)
      : pool_(pool), clock_(clock), timelines_(clock, {kTimelinesMax, fresh_for, fresh_for}) {}

  // Null when there is no such participant, as after an erasure. Fails as the database does: what
  // was known before is not used for longer than it is fresh.
  absl::StatusOr<std::shared_ptr<const ConsentTimeline>> Find(ParticipantId participant,
                                                              absl::Time deadline);

  const Clock& clock() const { return *clock_; }

 private:
  static constexpr size_t kTimelinesMax = 65'536;
  using Timeline = std::shared_ptr<const ConsentTimeline>;

  absl::StatusOr<Timeline> Ask(ParticipantId participant, absl::Time deadline);

  db::Pool* const pool_;
  const Clock* const clock_;
  FreshCache<ParticipantId, ConsentTimeline> timelines_;
};

}  // namespace tidemark::store
