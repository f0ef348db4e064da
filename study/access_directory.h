// Who a credential stands for and where a participant belongs: asked at every call, so from caches.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "base/rpc/enum_set.h"
#include "store/fresh_cache.h"
#include "study/context.h"
#include "study/device_access.h"
#include "study/principals.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::study {

// A bearer credential with the principal that it proves.
struct CredentialRecord {
  CredentialKind kind = CredentialKind::kToken;
  std::string secret_sha256;
  bool revoked = false;
  std::optional<int64_t> expires_at_us;
  PrincipalId principal_id;
  PrincipalKind principal_kind = PrincipalKind::kStaff;
  PrincipalState state = PrincipalState::kPending;
  StudyId study_id;              // of a device
  ParticipantId participant_id;  // of a device

  // UNAUTHENTICATED when it does not hold at `now_us`; DEVICE_REVOKED says that for ever.
  absl::Status CheckHolds(int64_t now_us) const;
};

// What a principal may do: kinds of recordings by role, in each study where it has one.
struct GrantsRecord {
  using Roles = std::map<v1::Role, rpc::DataKindSet>;
  std::map<StudyId, Roles> studies;

  // Of the roles in `wanted` that are granted in `study`: which they are, and the kinds of data
  // that their grants name. Zero stands for any study.
  struct Match {
    rpc::RoleSet roles;
    rpc::DataKindSet data_kinds;
  };
  Match In(StudyId study, rpc::RoleSet wanted) const;
};

struct ParticipantRecord {
  StudyId study_id;
  v1::ParticipantState state = v1::PARTICIPANT_STATE_UNSPECIFIED;
};

// Credentials that one statement asks for.
inline constexpr size_t kCredentialsPerQuestionMax = 1'000;

// Thread-safe. Answers are at most 5 s old, "no such thing" at most 1 s.
class AccessDirectory {
 public:
  explicit AccessDirectory(Context context);

  using Credentials = store::FreshCache<std::string, CredentialRecord>;
  using Devices = store::FreshCache<DeviceId, DeviceAccess>;
  using Grants = store::FreshCache<PrincipalId, GrantsRecord>;
  using Participants = store::FreshCache<ParticipantId, ParticipantRecord>;

  // Makes what is known of each credential fresh, where it is not, by one question for every
  // kCredentialsPerQuestionMax of them. At the first failure the rest is left as it is.
  absl::Status RefreshCredentials(std::span<const std::string> public_ids, absl::Time deadline);

  // Null when there is none.
  absl::StatusOr<Credentials::Value> FindCredential(const std::string& public_id,
                                                    absl::Time deadline);
  absl::StatusOr<Devices::Value> FindDevice(DeviceId device, absl::Time deadline);
  // The same without the cache, for a signature that is not of the key that is remembered: a device
  // may have rotated it just now. Asks the database each time, as an unknown device does.
  absl::StatusOr<Devices::Value> ReloadDevice(DeviceId device, absl::Time deadline);
  absl::StatusOr<Participants::Value> FindParticipant(ParticipantId participant,
                                                      absl::Time deadline);
  // Never null: without grants it is empty.
  absl::StatusOr<Grants::Value> FindGrants(PrincipalId principal, absl::Time deadline);
  // Whether there is such a study, or its evidence is the installation's (study/evidence.h).
  absl::StatusOr<bool> HasStudy(StudyId study, absl::Time deadline);

  // Without asking the database; see FreshCache::Find.
  std::optional<Credentials::Found> PeekCredential(const std::string& public_id) {
    return credentials_.Find(public_id);
  }
  std::optional<Devices::Found> PeekDevice(DeviceId device) { return devices_.Find(device); }
  std::optional<Grants::Found> PeekGrants(PrincipalId principal) { return grants_.Find(principal); }

  // How many questions about credentials were put to the database.
  uint64_t credential_questions() const { return credential_questions_; }

 private:
  using PublicIds = std::vector<std::string>;
  using FoundCredentials = std::map<std::string, Credentials::Value>;
  // An entry for each, null where there is none.
  absl::StatusOr<FoundCredentials> AskForCredentials(const PublicIds& public_ids,
                                                     absl::Time deadline);

  const Context context_;
  std::atomic<uint64_t> credential_questions_ = 0;
  Credentials credentials_;
  Devices devices_;
  Grants grants_;
  Participants participants_;
  store::FreshCache<StudyId, StudyId> studies_;
};

}  // namespace tidemark::study
