#include "study/access_directory.h"

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

absl::StatusOr<std::optional<CredentialRecord>> LoadCredential(db::Transaction& tx,
                                                               const std::string& public_id) {
  const pqxx::result rows = tx.Exec(sql::kFindCredential, public_id);
  if (rows.empty()) return std::nullopt;
  const pqxx::row row = rows[0];
  CredentialRecord record;
  record.kind = static_cast<CredentialKind>(row["kind"].as<int>());
  record.secret_sha256 = db::BytesOf(row["secret_sha256"]);
  record.revoked = row["revoked"].as<bool>();
  if (!row["expires_at_us"].is_null()) record.expires_at_us = row["expires_at_us"].as<int64_t>();
  TM_ASSIGN_OR_RETURN(record.principal_id, PrincipalId::Parse(row["principal_id"].c_str()));
  record.principal_kind = static_cast<PrincipalKind>(row["principal_kind"].as<int>());
  record.state = static_cast<PrincipalState>(row["state"].as<int>());
  if (!row["study_id"].is_null()) {
    TM_ASSIGN_OR_RETURN(record.study_id, StudyId::Parse(row["study_id"].c_str()));
  }
  if (!row["participant_id"].is_null()) {
    TM_ASSIGN_OR_RETURN(record.participant_id, ParticipantId::Parse(row["participant_id"].c_str()));
  }
  return record;
}

absl::StatusOr<std::optional<StudyId>> LoadStudyOf(db::Transaction& tx, ParticipantId participant) {
  const pqxx::result rows = tx.Exec(sql::kFindParticipantStudy, participant.ToString());
  if (rows.empty()) return std::nullopt;
  TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(rows[0][0].c_str()));
  return study;
}

// The cached answer while it is fresh, else the one that `load(tx)` gives, which is then cached.
template <class Key, class T, class Load>
absl::StatusOr<std::shared_ptr<const T>> FindOrLoad(ExpiringCache<Key, T>& cache, const Key& key,
                                                    const Context& context, const char* name,
                                                    absl::Time deadline, Load&& load) {
  if (const auto found = cache.Find(key); found && found->fresh) return found->value;
  TM_ASSIGN_OR_RETURN(const std::optional<T> loaded,
                      db::Transact(*context.pool, name, db::AccessScope::None(), deadline,
                                   [&](db::Transaction& tx) -> absl::StatusOr<std::optional<T>> {
                                     return load(tx, key);
                                   }));
  std::shared_ptr<const T> value = loaded ? std::make_shared<const T>(*loaded) : nullptr;
  cache.Put(key, value);
  return value;
}

}  // namespace

absl::Status CredentialRecord::CheckHolds(int64_t now_us) const {
  if (principal_kind == PrincipalKind::kDevice && state == PrincipalState::kRevoked) {
    return DeviceRevoked();
  }
  if (state == PrincipalState::kActive && !revoked && (!expires_at_us || now_us < *expires_at_us)) {
    return absl::OkStatus();
  }
  return rpc::Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIAL_INVALID,
                    "the credential is not valid");
}

AccessDirectory::AccessDirectory(Context context)
    : context_(std::move(context)),
      credentials_(context_.clock, {}),
      devices_(context_.clock, {}),
      studies_(context_.clock, {}) {}

absl::StatusOr<AccessDirectory::Credentials::Value> AccessDirectory::FindCredential(
    const std::string& public_id, absl::Time deadline) {
  return FindOrLoad(credentials_, public_id, context_, "find_credential", deadline, LoadCredential);
}

absl::StatusOr<AccessDirectory::Devices::Value> AccessDirectory::FindDevice(DeviceId device,
                                                                            absl::Time deadline) {
  return FindOrLoad(devices_, device, context_, "find_device_access", deadline, FindDeviceAccess);
}

absl::StatusOr<std::optional<StudyId>> AccessDirectory::FindStudyOf(ParticipantId participant,
                                                                    absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(
      const std::shared_ptr<const StudyId> study,
      FindOrLoad(studies_, participant, context_, "find_participant_study", deadline, LoadStudyOf));
  if (study == nullptr) return std::nullopt;
  return *study;
}

}  // namespace tidemark::study
