// Who a credential stands for and where a participant belongs: asked at every call, so from caches.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "study/context.h"
#include "study/device_access.h"
#include "study/expiring_cache.h"
#include "study/principals.h"

namespace tidemark::study {

// A bearer credential with the principal that it proves.
struct CredentialRecord {
  CredentialKind kind = CredentialKind::kStaffToken;
  std::string secret_sha256;
  bool revoked = false;
  std::optional<int64_t> expires_at_us;
  PrincipalId principal_id;
  PrincipalKind principal_kind = PrincipalKind::kManager;
  PrincipalState state = PrincipalState::kPending;
  StudyId study_id;              // zero for an operator
  ParticipantId participant_id;  // of a device

  // UNAUTHENTICATED when it does not hold at `now_us`; DEVICE_REVOKED says that for ever.
  absl::Status CheckHolds(int64_t now_us) const;
};

// Thread-safe. Answers are at most 5 s old, "no such thing" at most 1 s.
class AccessDirectory {
 public:
  explicit AccessDirectory(Context context);

  using Credentials = ExpiringCache<std::string, CredentialRecord>;
  using Devices = ExpiringCache<DeviceId, DeviceAccess>;

  // Null when there is none.
  absl::StatusOr<Credentials::Value> FindCredential(const std::string& public_id,
                                                    absl::Time deadline);
  absl::StatusOr<Devices::Value> FindDevice(DeviceId device, absl::Time deadline);
  absl::StatusOr<std::optional<StudyId>> FindStudyOf(ParticipantId participant,
                                                     absl::Time deadline);

  // Without asking the database; see ExpiringCache::Find.
  std::optional<Credentials::Found> PeekCredential(const std::string& public_id) {
    return credentials_.Find(public_id);
  }
  std::optional<Devices::Found> PeekDevice(DeviceId device) { return devices_.Find(device); }

 private:
  const Context context_;
  Credentials credentials_;
  Devices devices_;
  ExpiringCache<ParticipantId, StudyId> studies_;
};

}  // namespace tidemark::study
