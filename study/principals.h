// Rows of principals and credentials, as other parts of study/ make them.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "study/token.h"

namespace tidemark::study {

// The numbers are stored, in principal.kind and credential.kind.
enum class PrincipalKind : int16_t { kDevice = 1, kManager = 2, kOperator = 3 };
enum class CredentialKind : int16_t { kStaffToken = 1, kDeviceSession = 2, kEnrolmentCode = 3 };
// principal.state and device.state.
enum class PrincipalState : int16_t { kPending = 1, kActive = 2, kRevoked = 3 };

struct NewPrincipal {
  PrincipalId principal_id;
  PrincipalKind kind = PrincipalKind::kManager;
  StudyId study_id{};              // zero for an operator
  ParticipantId participant_id{};  // of a device
  std::string display_name;
  PrincipalState state = PrincipalState::kActive;
};
void InsertPrincipal(db::Transaction& tx, const NewPrincipal& principal, int64_t now_us);

// Stores the hash of the token's secret. Without `expires_at_us` it holds until it is revoked.
void InsertCredential(db::Transaction& tx, const Token& token, CredentialKind kind,
                      PrincipalId principal, int64_t now_us,
                      std::optional<int64_t> expires_at_us = std::nullopt);

// Voids the live credentials of one kind that a principal has.
void RevokeCredentials(db::Transaction& tx, PrincipalId principal, CredentialKind kind,
                       int64_t now_us);

}  // namespace tidemark::study
