// Where a device stands and what it signs with: asked whenever a device proves itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "study/principals.h"

namespace tidemark::study {

struct DeviceAccess {
  DeviceId device_id;
  ParticipantId participant_id;
  StudyId study_id;
  PrincipalState state = PrincipalState::kPending;
  std::string public_key;  // DER SubjectPublicKeyInfo of the key in use; empty before it enrolled

  bool IsSignature(std::string_view message, std::string_view signature) const;
  // UNAUTHENTICATED: DEVICE_REVOKED, or CREDENTIAL_INVALID before it enrolled. A device of an
  // erased participant is active, so that it can be told to delete its copies.
  absl::Status CheckActive() const;
  bool IsErased() const { return state == PrincipalState::kErased; }
};

// Nothing for an unknown device.
absl::StatusOr<std::optional<DeviceAccess>> FindDeviceAccess(db::Transaction& tx, DeviceId device);

// UNAUTHENTICATED, DEVICE_REVOKED.
absl::Status DeviceRevoked();

}  // namespace tidemark::study
