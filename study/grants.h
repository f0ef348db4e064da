// Rows of grants: which role a principal has in which study, and what it may read there.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "base/rpc/enum_set.h"
#include "study/principals.h"
#include "tidemark/v1/access.pb.h"

namespace tidemark::study {

struct NewGrant {
  StudyId study_id;
  PrincipalId principal_id;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  rpc::DataKindSet data_kinds;
  PrincipalId granted_by;
};

// Grants, or changes the kinds of data of a grant that exists; since when it holds stays then.
v1::Grant SetGrant(db::Transaction& tx, const NewGrant& grant, int64_t now_us);

// Takes a role away; false if it was not granted. Waits for whoever changes the grants of the
// study.
bool RemoveGrant(db::Transaction& tx, StudyId study, PrincipalId principal, v1::Role role);

// FAILED_PRECONDITION (LAST_ADMIN) if no active principal but `leaving` has the role admin in the
// study. Until the transaction ends, nobody else can take an admin of the study away.
absl::Status CheckAdminRemains(db::Transaction& tx, StudyId study, PrincipalId leaving);

// INVALID_ARGUMENT naming `role` unless a principal of `kind` can have it.
absl::Status CheckRole(v1::Role role, PrincipalKind kind);

// What a request asks for; the ordinary kinds if it says nothing.
//   INVALID_ARGUMENT  an unknown kind, or one that is named twice
absl::StatusOr<rpc::DataKindSet> DataKindsOf(const v1::DataKindSet* kinds);

// As text for the evidence: "motion, audio".
std::string TextOf(rpc::DataKindSet kinds);
std::string TextOf(v1::Role role);

}  // namespace tidemark::study
