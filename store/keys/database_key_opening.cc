// OpenDatabaseKeyStore and PlaceOf: whether a database of keys is the one that is meant.
#include <fmt/format.h>

#include <span>

#include "absl/time/clock.h"
#include "base/db/pool.h"
#include "base/db/transaction.h"
#include "base/status_macros.h"
#include "store/keys/database_keys.h"
#include "store/keys/sql.h"

namespace tidemark::keys {
namespace {

// What the store says of itself before anything is made in it.
struct StoreState {
  std::optional<Uuid> id;
  bool used_before = false;
};

absl::StatusOr<StoreState> DescribeStore(const DatabaseKeyStoreOptions& options) {
  const db::Statement statements[] = {sql::kFindKeyStore, sql::kHasKeys};
  db::Pool pool({.dsn = options.dsn,
                 .application_name = "tidemark-key-store",
                 .connections_max = 1,
                 .statements = {statements}});
  return db::Transact(pool, "has_keys", db::AccessScope::None(), absl::Now() + options.patience,
                      [](db::Transaction& tx) -> absl::StatusOr<StoreState> {
                        StoreState state;
                        state.used_before = tx.Exec(sql::kHasKeys)[0][0].as<bool>();
                        const pqxx::result rows = tx.Exec(sql::kFindKeyStore);
                        if (rows.empty()) return state;
                        TM_ASSIGN_OR_RETURN(state.id, Uuid::Parse(rows[0]["key_store_id"].c_str()));
                        return state;
                      });
}

absl::Status NotTheStore(std::string_view why) {
  return absl::FailedPreconditionError(fmt::format(
      "key store: its database {}. What is stored cannot be read without its keys: name the "
      "database "
      "of keys that belongs to it, or restore that from its backup. Nothing was changed",
      why));
}

absl::Status CheckStoreIsMeant(const DatabaseKeyStoreOptions& options, const StoreState& state) {
  if (options.id && !state.id) return NotTheStore("holds no keys, but some are needed");
  if (options.id && *state.id != *options.id) return NotTheStore("holds other keys");
  if (options.must_exist && !state.used_before) {
    return NotTheStore("holds no keys, but recordings were made before");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<store::KeyStore>> OpenDatabaseKeyStore(
    const DatabaseKeyStoreOptions& options) {
  if (options.kek_path.empty()) {
    return absl::InvalidArgumentError("key store: no file of the key-encryption key given");
  }
  TM_ASSIGN_OR_RETURN(const StoreState state, DescribeStore(options));
  TM_RETURN_IF_ERROR(CheckStoreIsMeant(options, state));
  TM_ASSIGN_OR_RETURN(std::unique_ptr<store::KekFile> kek,
                      store::KekFile::Open(options.kek_path, !state.used_before));
  auto keys = std::make_unique<DatabaseKeyStore>(options, std::move(kek));
  const absl::Status settled = keys->Settle();
  if (absl::IsDataLoss(settled)) {
    return absl::FailedPreconditionError(
        "key store: the key-encryption key is not the one these keys were made with");
  }
  TM_RETURN_IF_ERROR(settled);
  return keys;
}

absl::StatusOr<DatabasePlace> PlaceOf(const std::string& dsn, absl::Time deadline) {
  db::Pool pool({.dsn = dsn,
                 .application_name = "tidemark-key-store",
                 .connections_max = 1,
                 .statements = {std::span(&sql::kDescribePlace, 1)}});
  return db::Transact(pool, "describe_place", db::AccessScope::None(), deadline,
                      [](db::Transaction& tx) -> absl::StatusOr<DatabasePlace> {
                        const pqxx::row row = tx.Exec(sql::kDescribePlace)[0];
                        return DatabasePlace{.cluster = row["cluster"].as<std::string>(),
                                             .database = row["database"].as<std::string>()};
                      });
}

}  // namespace tidemark::keys
