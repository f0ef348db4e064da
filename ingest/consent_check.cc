#include "ingest/consent_check.h"

#include "base/status_macros.h"
#include "store/data_kind.h"

namespace tidemark::ingest {
namespace {

using Objection = ConsentCheck::Objection;

v1::Modality ModalityOf(const store::StreamInfo& stream) {
  return static_cast<v1::Modality>(stream.modality);
}

Objection NothingDecided() {
  return Verdict::RetryAfter(v1::RECEIPT_REASON_CONSENT_UNDECIDED, kConsentUndecidedRetryMs);
}

// Its device sends it again, by then perhaps with a clock pair.
Objection NoPlaceYet() {
  return Verdict::RetryAfter(v1::RECEIPT_REASON_CONSENT_UNDECIDED, kNoPlaceYetRetryMs);
}

// The number of a stream that nobody declared is nobody's: nothing of it is written down.
Objection NothingGranted(const store::StreamInfo* stream) {
  if (stream == nullptr) return Verdict::StopAndDelete(v1::RECEIPT_REASON_NO_CONSENT);
  return Refusal{v1::RECEIPT_REASON_NO_CONSENT};
}

}  // namespace

absl::StatusOr<ConsentCheck> ConsentCheck::Begin(AdmissionSource& source) {
  TM_ASSIGN_OR_RETURN(Timeline timeline, source.FindConsent());
  return ConsentCheck(&source, std::move(timeline));
}

std::optional<Objection> ConsentCheck::JudgeKind(const store::StreamInfo* stream) const {
  if (timeline_ == nullptr) return std::nullopt;
  if (stream != nullptr && !store::NeedsConsent(ModalityOf(*stream))) return std::nullopt;
  bool is_decided = timeline_->IsAnyDecided();
  bool is_granted = timeline_->IsAnyGranted();
  if (stream != nullptr) {
    const v1::DataKind kind = store::DataKindOf(ModalityOf(*stream));
    is_decided = timeline_->IsDecided(kind);
    is_granted = !timeline_->Granted(kind).IsNever();
  }
  if (!is_decided) return NothingDecided();
  if (!is_granted) return NothingGranted(stream);
  return std::nullopt;
}

absl::StatusOr<std::optional<Objection>> ConsentCheck::JudgeTime(const store::StreamInfo& stream,
                                                                 const store::ChunkRow& row) const {
  const std::optional<Objection> none;
  if (timeline_ == nullptr || !store::NeedsConsent(ModalityOf(stream))) return none;
  const v1::DataKind kind = store::DataKindOf(ModalityOf(stream));
  const store::ConsentTimes times = timeline_->Judged(kind, source_->Now());
  const store::ConsentTimes erased = timeline_->ErasedOf(row.stream_id);
  if (times.IsAlways() && erased.IsNever()) return none;
  TM_ASSIGN_OR_RETURN(const std::optional<store::Placement> placement,
                      source_->FindPlacement(row.boot_id, static_cast<uint32_t>(row.clock_id)));
  if (!placement) {
    const store::ConsentTimes arrivals = timeline_->ArrivalsWithoutPlace(kind, row.stream_id);
    return arrivals.Contains(absl::ToUnixNanos(source_->Now())) ? none : NoPlaceYet();
  }
  const signal::TimeRange span = placement->ToStudySpan(row.t_min_ns, row.t_max_ns);
  if (times.Touches(span) && !erased.Touches(span)) return none;
  return std::optional(NothingGranted(&stream));
}

}  // namespace tidemark::ingest
