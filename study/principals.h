// Rows of principals and credentials, as other parts of study/ make them.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "study/token.h"

namespace tidemark::study {

// The numbers are stored, in principal.kind and credential.kind.
enum class PrincipalKind : int16_t { kDevice = 1, kOperator = 3, kStaff = 4, kService = 5 };
enum class CredentialKind : int16_t {
  kToken = 1,
  kDeviceSession = 2,
  kEnrolmentCode = 3,
  kStaffSession = 4,
  kSignInCode = 5
};
// principal.state and device.state; only a principal can be erased: a device whose participant was.
enum class PrincipalState : int16_t { kPending = 1, kActive = 2, kRevoked = 3, kErased = 4 };

struct NewPrincipal {
  PrincipalId principal_id;
  PrincipalKind kind = PrincipalKind::kStaff;
  StudyId study_id{};              // of a device
  ParticipantId participant_id{};  // of a device
  std::string display_name;
  PrincipalState state = PrincipalState::kActive;
};
void InsertPrincipal(db::Transaction& tx, const NewPrincipal& principal, int64_t now_us);

struct CredentialTerms {
  std::optional<int64_t> expires_at_us = std::nullopt;       // without: until it is revoked
  std::optional<int64_t> renewable_until_us = std::nullopt;  // sessions of people
  std::string label = {};                                    // tokens that people made
};
// Stores the hash of the token's secret.
void InsertCredential(db::Transaction& tx, const Token& token, CredentialKind kind,
                      PrincipalId principal, int64_t now_us, const CredentialTerms& terms = {});

// Voids the live credentials of one kind that a principal has.
void RevokeCredentials(db::Transaction& tx, PrincipalId principal, CredentialKind kind,
                       int64_t now_us);

}  // namespace tidemark::study
