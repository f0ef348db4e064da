#include "store/shown_times.h"

#include "base/status_macros.h"
#include "store/data_kind.h"

namespace tidemark::store {

absl::StatusOr<ConsentTimes> ShownTimes(ConsentBook& book, const StreamInfo& stream,
                                        absl::Time deadline) {
  const auto modality = static_cast<v1::Modality>(stream.modality);
  if (!NeedsConsent(modality)) return ConsentTimes::Always();
  TM_ASSIGN_OR_RETURN(const auto timeline, book.Find(stream.participant_id, deadline));
  if (timeline == nullptr) return ConsentTimes();
  return timeline->Judged(DataKindOf(modality), book.clock().Now());
}

}  // namespace tidemark::store
