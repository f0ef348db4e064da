// On whose behalf the core of study/ acts.
#pragma once

#include "absl/time/time.h"
#include "base/db/access_scope.h"
#include "base/ids.h"

namespace tidemark::study {

// A call that was authorized. What it is about comes from here, never again from the request.
struct Call {
  PrincipalId principal_id;
  StudyId study_id;              // of the object; zero for methods without one
  ParticipantId participant_id;  // the object, if it is a participant; else zero
  DeviceId device_id;            // the calling device; else zero
  StudyId caller_study_id;       // the study that a manager or device belongs to; else zero
  db::AccessScope scope;         // what its transactions may see
  absl::Time deadline;
};

}  // namespace tidemark::study
