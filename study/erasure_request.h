// Asking for the erasure of a whole participant, whoever asks.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "study/context.h"
#include "tidemark/v1/erasure.pb.h"

namespace tidemark::study {

struct ErasureRequest {
  ParticipantId participant_id;
  StudyId study_id;
  PrincipalId requested_by;
  std::string reason;  // for the evidence
};

// Counts what there is, enters the erasure with its job, and records it in the chain of the study.
// The transaction sees the participant and has locked it. From its commit on nobody reaches the
// participant, and nothing more is taken of it; study/erasure_job.h then destroys.
absl::StatusOr<v1::Erasure> QueueErasure(db::Transaction& tx, const Context& context,
                                         const ErasureRequest& request);

}  // namespace tidemark::study
