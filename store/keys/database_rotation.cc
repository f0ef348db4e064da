#include "store/keys/database_rotation.h"

#include "base/status_macros.h"
#include "store/key_purposes.h"
#include "store/keys/sql.h"

namespace tidemark::keys {
namespace {

constexpr int kRowsPerBatchMax = 200;
// Before the id of a participant in the place of a key; names of the installation's keys have none.
constexpr std::string_view kPersonPrefix = "participant/";

absl::StatusOr<store::WrappedKeyBatch> ListInstallationKeys(db::Transaction& tx,
                                                            const std::string& prefix) {
  store::WrappedKeyBatch batch;
  // A handful: one per name that the code has.
  for (const pqxx::row& row : tx.Exec(sql::kListInstallationKeysOfOthers, db::Bytea(prefix))) {
    const auto name = row["name"].as<std::string>();
    batch.keys.push_back({name, PurposeOfInstallationKey(name), db::BytesOf(row["wrapped"])});
  }
  batch.next = Uuid().ToString();
  return batch;
}

absl::StatusOr<store::WrappedKeyBatch> ListParticipantKeys(db::Transaction& tx,
                                                           const std::string& prefix,
                                                           const std::string& after) {
  store::WrappedKeyBatch batch;
  for (const pqxx::row& row :
       tx.Exec(sql::kListParticipantKeysOfOthers, db::Bytea(prefix), after, kRowsPerBatchMax)) {
    const auto id = row["participant_id"].as<std::string>();
    TM_ASSIGN_OR_RETURN(const ParticipantId participant, ParticipantId::Parse(id));
    batch.keys.push_back({std::string(kPersonPrefix) + id,
                          store::ParticipantKeyPurpose(participant), db::BytesOf(row["wrapped"])});
    batch.next = id;
  }
  if (batch.keys.size() < static_cast<size_t>(kRowsPerBatchMax)) batch.next.reset();
  return batch;
}

}  // namespace

absl::Status DatabaseRotationStore::Alone(absl::FunctionRef<absl::Status()> step) {
  return database_.Run("rotate_kek", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kLockKeks);
    return step();
  });
}

absl::StatusOr<store::WrappedKeyBatch> DatabaseRotationStore::ListOthers(
    const std::string& prefix, const std::string& cursor) {
  return database_.Run("list_wrapped_keys", [&](db::Transaction& tx) {
    return cursor.empty() ? ListInstallationKeys(tx, prefix)
                          : ListParticipantKeys(tx, prefix, cursor);
  });
}

// Rows are exchanged only where they are still what was opened: a key that is destroyed meanwhile
// stays destroyed. In the order of their places, so that two rotations do not meet in a deadlock.
absl::StatusOr<uint64_t> DatabaseRotationStore::Exchange(
    const std::vector<store::RewrappedKey>& keys, absl::FunctionRef<absl::Status()> is_current) {
  return database_.Run("wrap_keys", [&](db::Transaction& tx) -> absl::StatusOr<uint64_t> {
    tx.Exec(sql::kLockKeksShared);
    TM_RETURN_IF_ERROR(is_current());
    uint64_t exchanged = 0;
    for (const store::RewrappedKey& key : keys) {
      const bool is_person = key.place.starts_with(kPersonPrefix);
      const std::string name = is_person ? key.place.substr(kPersonPrefix.size()) : key.place;
      const pqxx::result changed =
          tx.Exec(is_person ? sql::kWrapParticipantKey : sql::kWrapInstallationKey, name,
                  db::Bytea(key.before), db::Bytea(key.after));
      exchanged += static_cast<uint64_t>(changed.affected_rows());
    }
    return exchanged;
  });
}

}  // namespace tidemark::keys
