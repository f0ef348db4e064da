#include "store/shown_times.h"

#include "base/status_macros.h"
#include "store/data_kind.h"

namespace tidemark::store {

absl::StatusOr<ShownTimes> FindShownTimes(ConsentBook& book, const StreamInfo& stream,
                                          absl::Time deadline) {
  const auto modality = static_cast<v1::Modality>(stream.modality);
  if (!NeedsConsent(modality)) return ShownTimes{ConsentTimes::Always(), ConsentTimes::Always()};
  TM_ASSIGN_OR_RETURN(const auto timeline, book.Find(stream.participant_id, deadline));
  if (timeline == nullptr) return ShownTimes();
  const v1::DataKind kind = DataKindOf(modality);
  return ShownTimes{
      timeline->Judged(kind, book.clock().Now()).Without(timeline->ErasedOf(stream.stream_id)),
      timeline->ArrivalsWithoutPlace(kind, stream.stream_id)};
}

}  // namespace tidemark::store
