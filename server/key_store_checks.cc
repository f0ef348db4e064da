#include "server/key_store_checks.h"

#include "absl/time/clock.h"
#include "base/db/migrator.h"
#include "base/db/transaction.h"
#include "base/status_macros.h"
#include "migrations/migrations.h"
#include "server/sql.h"
#include "store/keys/database_key_store.h"

namespace tidemark::server {
namespace {

constexpr absl::Duration kKeyStoreLookMost = absl::Seconds(10);

// What the database says about its keys.
struct Known {
  std::optional<Uuid> id;
  bool was_used = false;
};

absl::StatusOr<Known> Describe(db::Pool& pool, absl::Time deadline) {
  return db::Transact(pool, "describe_key_store", db::AccessScope::None(), deadline,
                      [](db::Transaction& tx) -> absl::StatusOr<Known> {
                        const pqxx::row row = tx.Exec(sql::kDescribeKeyStore)[0];
                        Known known{.id = std::nullopt, .was_used = row["was_used"].as<bool>()};
                        if (row["key_store_id"].is_null()) return known;
                        TM_ASSIGN_OR_RETURN(known.id, Uuid::Parse(row["key_store_id"].c_str()));
                        return known;
                      });
}

absl::StatusOr<bool> HasSealedData(db::Pool& pool, ParticipantId participant) {
  return db::Transact(
      pool, "has_sealed_data", db::AccessScope{{participant}, {}}, absl::Now() + kKeyStoreLookMost,
      [&](db::Transaction& tx) -> absl::StatusOr<bool> {
        return tx.Exec(sql::kHasSealedData, participant.ToString())[0][0].as<bool>();
      });
}

absl::Status Settle(db::Pool& pool, Uuid id, absl::Time deadline) {
  return db::RunInTransaction(pool, "settle_key_store", db::AccessScope::None(), deadline,
                              [&](db::Transaction& tx) -> absl::Status {
                                tx.Exec(sql::kSettleKeyStore, id.ToString());
                                return absl::OkStatus();
                              });
}

// `open` takes options that say which store is meant.
template <class Options, class Open>
absl::StatusOr<std::unique_ptr<store::KeyStore>> OpenMeant(Options options, Open open,
                                                           db::Pool* pool, absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const Known known, Describe(*pool, deadline));
  options.id = known.id;
  options.must_exist = known.was_used;
  options.has_sealed_data = [pool](ParticipantId participant) {
    return HasSealedData(*pool, participant);
  };
  TM_ASSIGN_OR_RETURN(std::unique_ptr<store::KeyStore> keys, open(options));
  if (!known.id) {
    TM_ASSIGN_OR_RETURN(const Uuid id, keys->Id());
    TM_RETURN_IF_ERROR(Settle(*pool, id, deadline));
  }
  // Another server may have settled another store at the same time.
  TM_RETURN_IF_ERROR(CheckKeyStore(*pool, *keys, deadline));
  return keys;
}

// Who holds a backup of what is sealed must not hold the keys with it.
absl::Status CheckKeysAreElsewhere(const Config& config, absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const keys::DatabasePlace recordings,
                      keys::PlaceOf(DsnOf(config.dsn, config.app_user), deadline));
  TM_ASSIGN_OR_RETURN(const keys::DatabasePlace keys,
                      keys::PlaceOf(DsnOf(config.key_store, config.keys_user), deadline));
  if (recordings.cluster != keys.cluster) return absl::OkStatus();
  if (recordings.database == keys.database) {
    return absl::FailedPreconditionError(
        "--key-store is the database of the recordings: every backup would hold what it seals and "
        "the keys");
  }
  if (config.unsafe_durability) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "--key-store lies in the same cluster as the recordings: a base backup would hold both; give "
      "the keys a cluster of their own");
}

}  // namespace

absl::StatusOr<std::unique_ptr<store::KeyStore>> OpenKeyStore(store::FolderKeyStoreOptions options,
                                                              db::Pool* pool, absl::Time deadline) {
  return OpenMeant(std::move(options), store::OpenFolderKeyStore, pool, deadline);
}

absl::StatusOr<std::unique_ptr<store::KeyStore>> OpenKeyStore(const Config& config, db::Pool* pool,
                                                              absl::Time deadline) {
  if (config.key_store == kKeysInFolder) {
    return OpenKeyStore({.folder = config.keys_folder, .kek_path = config.kek_file}, pool,
                        deadline);
  }
  TM_RETURN_IF_ERROR(CheckKeysAreElsewhere(config, deadline));
  TM_RETURN_IF_ERROR(
      db::CheckMigrated(DsnOf(config.key_store, config.keys_user), migrations::kKeyStore));
  return OpenMeant(keys::DatabaseKeyStoreOptions{.dsn = DsnOf(config.key_store, config.keys_user),
                                                 .kek_path = config.kek_file},
                   keys::OpenDatabaseKeyStore, pool, deadline);
}

absl::Status CheckKeyStore(db::Pool& pool, store::KeyStore& keys, absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const Uuid id, keys.Id());
  TM_ASSIGN_OR_RETURN(const Known known, Describe(pool, deadline));
  if (known.id == id) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the key store is not the one that this database belongs to: mount, name or restore the "
      "right "
      "one");
}

}  // namespace tidemark::server
