#include "study/access_directory.h"

#include <set>
#include <utility>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/evidence.h"
#include "study/pg_arrays.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

absl::StatusOr<CredentialRecord> CredentialOfRow(const pqxx::row& row) {
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

absl::StatusOr<std::optional<ParticipantRecord>> LoadParticipant(db::Transaction& tx,
                                                                 ParticipantId participant) {
  tx.SetScope(db::AccessScope::Participant(participant));
  const pqxx::result rows = tx.Exec(sql::kFindParticipant, participant.ToString());
  if (rows.empty()) return std::nullopt;
  ParticipantRecord record;
  TM_ASSIGN_OR_RETURN(record.study_id, StudyId::Parse(rows[0]["study_id"].c_str()));
  record.state = static_cast<v1::ParticipantState>(rows[0]["state"].as<int>());
  return record;
}

absl::StatusOr<std::optional<GrantsRecord>> LoadGrants(db::Transaction& tx, PrincipalId principal) {
  GrantsRecord record;
  for (const pqxx::row& row : tx.Exec(sql::kFindGrants, principal.ToString())) {
    TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(row["study_id"].c_str()));
    record.studies[study][static_cast<v1::Role>(row["role"].as<int>())] =
        rpc::DataKindSet::FromBits(row["data_kinds"].as<uint32_t>());
  }
  return record;
}

absl::StatusOr<std::optional<StudyId>> LoadStudy(db::Transaction& tx, StudyId study) {
  if (tx.Exec(sql::kFindStudy, study.ToString()).empty()) return std::nullopt;
  return study;
}

// What `load(tx)` gives, which is then cached.
template <class Key, class T, class Load>
absl::StatusOr<std::shared_ptr<const T>> LoadAndKeep(store::FreshCache<Key, T>& cache,
                                                     const Key& key, const Context& context,
                                                     const char* name, absl::Time deadline,
                                                     Load&& load) {
  const absl::Time asked = context.clock->Now();
  TM_ASSIGN_OR_RETURN(const std::optional<T> loaded,
                      db::Transact(*context.pool, name, db::AccessScope::None(), deadline,
                                   [&](db::Transaction& tx) -> absl::StatusOr<std::optional<T>> {
                                     return load(tx, key);
                                   }));
  std::shared_ptr<const T> value = loaded ? std::make_shared<const T>(*loaded) : nullptr;
  cache.Put(key, value, asked);
  return value;
}

// The cached answer while it is fresh, else a new one.
template <class Key, class T, class Load>
absl::StatusOr<std::shared_ptr<const T>> FindOrLoad(store::FreshCache<Key, T>& cache,
                                                    const Key& key, const Context& context,
                                                    const char* name, absl::Time deadline,
                                                    Load&& load) {
  if (const auto found = cache.FindFresh(key)) return *found;
  return LoadAndKeep(cache, key, context, name, deadline, load);
}

}  // namespace

absl::Status CredentialRecord::CheckHolds(int64_t now_us) const {
  if (principal_kind == PrincipalKind::kDevice && state == PrincipalState::kRevoked) {
    return DeviceRevoked();
  }
  const bool is_active = state == PrincipalState::kActive || state == PrincipalState::kErased;
  if (is_active && !revoked && (!expires_at_us || now_us < *expires_at_us)) {
    return absl::OkStatus();
  }
  return rpc::Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIAL_INVALID,
                    "the credential is not valid");
}

GrantsRecord::Match GrantsRecord::In(StudyId study, rpc::RoleSet wanted) const {
  Match match;
  for (const auto& [granted_study, roles] : studies) {
    if (!study.IsZero() && granted_study != study) continue;
    for (const auto& [role, data_kinds] : roles) {
      if (!wanted.Contains(role)) continue;
      match.roles.Add(role);
      match.data_kinds.Add(data_kinds);
    }
  }
  return match;
}

AccessDirectory::AccessDirectory(Context context)
    : context_(std::move(context)),
      credentials_(context_.clock),
      devices_(context_.clock),
      grants_(context_.clock),
      participants_(context_.clock),
      studies_(context_.clock) {}

absl::StatusOr<AccessDirectory::FoundCredentials> AccessDirectory::AskForCredentials(
    const PublicIds& public_ids, absl::Time deadline) {
  ++credential_questions_;
  const absl::Time asked = context_.clock->Now();
  TM_ASSIGN_OR_RETURN(
      FoundCredentials found,
      db::Transact(*context_.pool, "find_credentials", db::AccessScope::None(), deadline,
                   [&](db::Transaction& tx) -> absl::StatusOr<FoundCredentials> {
                     FoundCredentials rows;
                     for (const pqxx::row& row :
                          tx.Exec(sql::kFindCredentials, PgArray(public_ids))) {
                       TM_ASSIGN_OR_RETURN(CredentialRecord record, CredentialOfRow(row));
                       rows[row["public_id"].c_str()] =
                           std::make_shared<const CredentialRecord>(std::move(record));
                     }
                     return rows;
                   }));
  for (const std::string& public_id : public_ids) {
    credentials_.Put(public_id, found[public_id], asked);
  }
  return found;
}

absl::Status AccessDirectory::RefreshCredentials(std::span<const std::string> public_ids,
                                                 absl::Time deadline) {
  std::set<std::string> stale;
  for (const std::string& public_id : public_ids) {
    if (!credentials_.FindFresh(public_id)) stale.insert(public_id);
  }
  while (!stale.empty()) {
    PublicIds some;
    while (!stale.empty() && some.size() < kCredentialsPerQuestionMax) {
      some.push_back(std::move(stale.extract(stale.begin()).value()));
    }
    TM_RETURN_IF_ERROR(AskForCredentials(some, deadline).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<AccessDirectory::Credentials::Value> AccessDirectory::FindCredential(
    const std::string& public_id, absl::Time deadline) {
  if (const auto known = credentials_.FindFresh(public_id)) return *known;
  TM_ASSIGN_OR_RETURN(const FoundCredentials found, AskForCredentials({public_id}, deadline));
  return found.at(public_id);
}

absl::StatusOr<AccessDirectory::Devices::Value> AccessDirectory::FindDevice(DeviceId device,
                                                                            absl::Time deadline) {
  return FindOrLoad(devices_, device, context_, "find_device_access", deadline, FindDeviceAccess);
}

absl::StatusOr<AccessDirectory::Devices::Value> AccessDirectory::ReloadDevice(DeviceId device,
                                                                              absl::Time deadline) {
  return LoadAndKeep(devices_, device, context_, "find_device_access", deadline, FindDeviceAccess);
}

absl::StatusOr<AccessDirectory::Participants::Value> AccessDirectory::FindParticipant(
    ParticipantId participant, absl::Time deadline) {
  return FindOrLoad(participants_, participant, context_, "find_participant", deadline,
                    LoadParticipant);
}

absl::StatusOr<AccessDirectory::Grants::Value> AccessDirectory::FindGrants(PrincipalId principal,
                                                                           absl::Time deadline) {
  return FindOrLoad(grants_, principal, context_, "find_grants", deadline, LoadGrants);
}

absl::StatusOr<bool> AccessDirectory::HasStudy(StudyId study, absl::Time deadline) {
  if (study == kInstallation) return true;
  TM_ASSIGN_OR_RETURN(const std::shared_ptr<const StudyId> found,
                      FindOrLoad(studies_, study, context_, "find_study", deadline, LoadStudy));
  return found != nullptr;
}

}  // namespace tidemark::study
