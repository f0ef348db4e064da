// On whose behalf the core of study/ acts.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "base/db/access_scope.h"
#include "base/ids.h"
#include "base/rpc/enum_set.h"

namespace tidemark::study {

// A call that was authorized. What it is about comes from here, never again from the request.
struct Call {
  PrincipalId principal_id;
  StudyId study_id;              // of the object; zero for methods without one
  ParticipantId participant_id;  // the object, if it is a participant; else zero
  DeviceId device_id;            // the calling device; else zero
  bool is_operator = false;      // sees every study; else those where it has a role
  db::AccessScope scope;         // what its transactions may see
  std::string credential_id;     // public id of the token in use; empty for a signature
  rpc::DataKindSet data_kinds;   // of staff and services: kinds of recordings they may read
  absl::Time deadline;
};

}  // namespace tidemark::study
