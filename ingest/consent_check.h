// Whether a chunk may be kept, by the participant's consent (docs/adr/0013) and by what was erased
// (docs/adr/0020).
#pragma once

#include <memory>
#include <variant>

#include "absl/status/statusor.h"
#include "ingest/admission.h"
#include "ingest/chunk.h"

namespace tidemark::ingest {

// Judges one chunk: by its kind of data as soon as its stream is known, by its time once it is
// decoded. Asks for consent when it is made, for a placement only where the answer hangs on it.
class ConsentCheck {
 public:
  // What keeps a chunk from being kept: that nothing was decided yet, or that it is refused.
  using Objection = std::variant<Verdict, Refusal>;

  static absl::StatusOr<ConsentCheck> Begin(AdmissionSource& source);

  // `stream` is the sender's own, in any version; null for one that nobody declared, which may be
  // of any kind: then it is enough that anything at all is granted.
  std::optional<Objection> JudgeKind(const store::StreamInfo* stream) const;

  // A chunk that JudgeKind has no objection to, by its plausible stamps: it may be kept if consent
  // holds for any instant between them and none of them was erased. One whose time is not believed
  // is kept. One that has no place yet is kept if all it may be was agreed to, and else waits.
  absl::StatusOr<std::optional<Objection>> JudgeTime(const store::StreamInfo& stream,
                                                     const store::ChunkRow& row) const;

  // How many erased ranges the judgement knew of.
  int64_t erased_ranges() const { return timeline_ == nullptr ? 0 : timeline_->erased_ranges(); }

 private:
  using Timeline = std::shared_ptr<const store::ConsentTimeline>;
  ConsentCheck(AdmissionSource* source, Timeline timeline)
      : source_(source), timeline_(std::move(timeline)) {}

  AdmissionSource* source_;
  Timeline timeline_;  // null: the participant is gone, and the writer says so
};

}  // namespace tidemark::ingest
