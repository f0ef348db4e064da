#include "study/device_access.h"

#include "base/crypto.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/sql.h"

namespace tidemark::study {

bool DeviceAccess::IsSignature(std::string_view message, std::string_view signature) const {
  const absl::StatusOr<VerifyKey> key = VerifyKey::FromP256Der(public_key);
  return key.ok() && key->Verify(message, signature);
}

absl::Status DeviceAccess::CheckActive() const {
  if (state == PrincipalState::kRevoked) return DeviceRevoked();
  if (state == PrincipalState::kActive || IsErased()) return absl::OkStatus();
  return rpc::Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIAL_INVALID,
                    "the device could not be verified");
}

absl::StatusOr<std::optional<DeviceAccess>> FindDeviceAccess(db::Transaction& tx, DeviceId device) {
  const pqxx::result rows = tx.Exec(sql::kFindDeviceAccess, device.ToString());
  if (rows.empty()) return std::nullopt;
  const pqxx::row row = rows[0];
  DeviceAccess access;
  access.device_id = device;
  TM_ASSIGN_OR_RETURN(access.participant_id, ParticipantId::Parse(row["participant_id"].c_str()));
  TM_ASSIGN_OR_RETURN(access.study_id, StudyId::Parse(row["study_id"].c_str()));
  access.state = static_cast<PrincipalState>(row["state"].as<int>());
  if (!row["public_key"].is_null()) access.public_key = db::BytesOf(row["public_key"]);
  return access;
}

absl::Status DeviceRevoked() {
  return rpc::Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_DEVICE_REVOKED,
                    "the device was revoked");
}

}  // namespace tidemark::study
