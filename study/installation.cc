#include "study/installation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/pg_device_rows.h"
#include "study/restore_marks.h"
#include "study/sql.h"

namespace tidemark::study {

// The studies are locked in the order of their ids: two such acts do not meet in a deadlock.
absl::Status Installation::RecordInEveryStudy(
    db::Transaction& tx, const Call& call, const std::string& action,
    const std::map<std::string, std::string>& details) const {
  for (const pqxx::row& row : tx.Exec(sql::kListStudyIds)) {
    TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(row["study_id"].c_str()));
    tx.SetScope(db::AccessScope::Study(study));
    TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                   {study.uuid, study, action, call.principal_id, details}));
  }
  return absl::OkStatus();
}

// Inside the transaction: a rotation whose answer was lost and that is asked for again is not a
// second one. It takes as long as there are participants, and holds one connection meanwhile.
absl::StatusOr<v1::RotateKeyEncryptionKeyResponse> Installation::RotateKeyEncryptionKey(
    const Call& call, const v1::RotateKeyEncryptionKeyRequest& request) const {
  return context_.memory().Once<v1::RotateKeyEncryptionKeyResponse>(
      call, "RotateKeyEncryptionKey", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RotateKeyEncryptionKeyResponse> {
        TM_ASSIGN_OR_RETURN(const uint64_t wrapped, context_.keys->RotateKeyEncryptionKey());
        LogInfo("the key-encryption key was replaced, {} keys were wrapped anew", wrapped);
        TM_RETURN_IF_ERROR(
            RecordInEveryStudy(tx, call, "key.rotate", {{"keys", fmt::format("{}", wrapped)}}));
        v1::RotateKeyEncryptionKeyResponse response;
        response.set_keys_rewrapped(wrapped);
        return response;
      });
}

absl::StatusOr<v1::ConfirmRestoredResponse> Installation::ConfirmRestored(
    const Call& call, const v1::ConfirmRestoredRequest& request) const {
  return context_.memory().Once<v1::ConfirmRestoredResponse>(
      call, "ConfirmRestored", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ConfirmRestoredResponse> {
        TM_ASSIGN_OR_RETURN(const store::RestoreMark database, LockRestoreMark(tx));
        TM_ASSIGN_OR_RETURN(const store::RestoreMark keys, context_.keys->ReadRestoreMark());
        if (!IsBehind(database, keys) && !request.force()) {
          return StateConflict(
              "the database is not older than the key store: say force if it was restored all the "
              "same");
        }
        const uint64_t generation = std::max(database.generation, keys.generation) + 1;
        const uint64_t heartbeat = std::max(database.heartbeat, keys.heartbeat) + 1;
        tx.Exec(sql::kSetRestoreMark, generation, heartbeat);
        TM_RETURN_IF_ERROR(
            RecordInEveryStudy(tx, call, "restore.confirm",
                               {{"restore_generation", fmt::format("{}", generation)},
                                {"forced", IsBehind(database, keys) ? "false" : "true"}}));
        v1::ConfirmRestoredResponse response;
        response.set_restore_generation(generation);
        return response;
      });
}

}  // namespace tidemark::study
