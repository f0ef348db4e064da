#include "study/restore_marks.h"

#include "base/status_macros.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

store::RestoreMark MarkOfRow(const pqxx::row& row) {
  return {.generation = row["generation"].as<uint64_t>(),
          .heartbeat = row["heartbeat"].as<uint64_t>()};
}

}  // namespace

bool IsBehind(const store::RestoreMark& database, const store::RestoreMark& keys) {
  // The generation counts first: after a restore was confirmed its heartbeat is the newest.
  return database < keys;
}

// The key store is read first: the database has every beat before the key store does, so one that
// is whole is never behind what was read here.
absl::StatusOr<store::RestoreMark> Beat(db::Pool& pool, store::KeyStore& keys,
                                        absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const store::RestoreMark beside_keys, keys.ReadRestoreMark());
  TM_ASSIGN_OR_RETURN(
      const store::RestoreMark mark,
      db::Transact(pool, "Beat", db::AccessScope::None(), deadline,
                   [&](db::Transaction& tx) -> absl::StatusOr<store::RestoreMark> {
                     const pqxx::result rows = tx.Exec(
                         sql::kBeatRestoreMark, beside_keys.generation, beside_keys.heartbeat);
                     if (!rows.empty()) return MarkOfRow(rows[0]);
                     return absl::FailedPreconditionError(
                         "the database was restored from a backup: it is older than the key store; "
                         "check it, then run `tidemark admin restored`");
                   }));
  TM_RETURN_IF_ERROR(keys.RaiseRestoreMark(mark));
  return mark;
}

absl::StatusOr<store::RestoreMark> ReadRestoreMark(db::Pool& pool, absl::Time deadline) {
  return db::Transact(pool, "ReadRestoreMark", db::AccessScope::None(), deadline,
                      [](db::Transaction& tx) -> absl::StatusOr<store::RestoreMark> {
                        const pqxx::result rows = tx.Exec(sql::kFindRestoreMark);
                        if (rows.empty()) return absl::DataLossError("restore_mark is empty");
                        return MarkOfRow(rows[0]);
                      });
}

absl::StatusOr<store::RestoreMark> LockRestoreMark(db::Transaction& tx) {
  const pqxx::result rows = tx.Exec(sql::kLockRestoreMark);
  if (rows.empty()) return absl::DataLossError("restore_mark is empty");
  return MarkOfRow(rows[0]);
}

}  // namespace tidemark::study
