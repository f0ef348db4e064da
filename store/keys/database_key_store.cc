#include "store/keys/database_key_store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/time/clock.h"
#include "base/crypto.h"
#include "base/db/pool.h"
#include "base/db/transaction.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "store/kek_file.h"
#include "store/key_purposes.h"
#include "store/keys/sql.h"

namespace tidemark::keys {
namespace {

using store::DataKey;
using store::DataKeyName;
using store::Kek;
using store::KekFile;
using store::KekRing;
using store::KeyPurpose;
using store::RestoreMark;

constexpr std::string_view kCheckText = "tidemark-key-store-1";
constexpr char kCheckName[] = "check";
constexpr char kReceiptName[] = "receipt";
constexpr std::string_view kServicePrefix = "service/";
// Names are constants of the code; more of them would be a mistake.
constexpr size_t kServiceKeysCachedMax = 64;
constexpr int kRotationPageMax = 200;
constexpr int kRotationPassesMax = 8;

// Destroyed between two looks: the next one says what.
absl::Status JustChanged() { return absl::UnavailableError("key store: a key changed just now"); }

std::optional<std::string> BytesIfAny(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional(db::BytesOf(field));
}

// A data key and the participant's key that wraps it, as the database has them.
struct KeyRow {
  std::optional<std::string> participant_wrapped;
  bool participant_destroyed = false;
  std::optional<std::string> wrapped;
  bool destroyed = false;
  std::optional<uint32_t> generation;  // of the newest of a day
};

KeyRow KeyRowOf(const pqxx::row& row) {
  return {.participant_wrapped = BytesIfAny(row["participant_wrapped"]),
          .participant_destroyed = row["participant_destroyed"].as<bool>(),
          .wrapped = BytesIfAny(row["wrapped"]),
          .destroyed = row["destroyed"].as<bool>(),
          .generation = std::nullopt};
}

std::string PurposeOfInstallationKey(std::string_view name) {
  if (name == kCheckName) return KeyPurpose("check", "");
  if (name == kReceiptName) return KeyPurpose("receipt-key", "");
  return KeyPurpose("service-key", name.substr(std::min(kServicePrefix.size(), name.size())));
}

class DatabaseKeyStore final : public store::KeyStore {
 public:
  DatabaseKeyStore(const DatabaseKeyStoreOptions& options, std::unique_ptr<KekFile> kek)
      : options_(options),
        kek_(std::move(kek)),
        pool_({.dsn = options.dsn,
               .application_name = "tidemark-key-store",
               .connections_max = options.connections_max,
               .statement_timeout = options.patience,
               .statements = {sql::kAllStatements}}) {}

  // Checks the key-encryption key and gives a new store its identity.
  absl::Status Settle();

  absl::StatusOr<Uuid> Id() override;
  absl::StatusOr<DataKey> KeyForWriting(ParticipantId participant, StreamId stream,
                                        int32_t utc_day) override;
  absl::StatusOr<DataKey> Find(ParticipantId participant, const DataKeyName& name) override;
  absl::Status DestroyParticipant(ParticipantId participant) override;
  absl::Status DestroyDataKey(ParticipantId participant, const DataKeyName& name) override;
  absl::StatusOr<std::string> ServiceKey(std::string_view name) override;
  absl::StatusOr<std::string> ReceiptKeyPem() override;
  absl::StatusOr<RestoreMark> ReadRestoreMark() override;
  absl::Status RaiseRestoreMark(const RestoreMark& mark) override;
  absl::StatusOr<uint64_t> RotateKeyEncryptionKey() override;
  absl::StatusOr<store::KeyStoreFacts> Inspect() override;

 private:
  // Runs `body(tx)`, which returns absl::StatusOr<T>, in one transaction. Whatever goes wrong with
  // the database is UNAVAILABLE: any other code would say something about a key.
  template <class Body>
  auto Run(const char* name, Body&& body) -> std::invoke_result_t<Body, db::Transaction&> {
    using Result = std::invoke_result_t<Body, db::Transaction&>;
    std::optional<Result> result;
    const absl::Status ran =
        db::RunInTransaction(pool_, name, db::AccessScope::None(), absl::Now() + options_.patience,
                             [&](db::Transaction& tx) -> absl::Status {
                               result.reset();
                               result = body(tx);
                               // What the body refused is rolled back; ABORTED would be run again.
                               return result->ok() ? absl::OkStatus() : absl::CancelledError();
                             });
    if (ran.ok() || (absl::IsCancelled(ran) && result && !result->ok())) return *std::move(result);
    return absl::UnavailableError(fmt::format("key store: {}", std::string(ran.message())));
  }

  absl::StatusOr<KeyRow> FindRow(ParticipantId participant, const DataKeyName& name);
  absl::StatusOr<KeyRow> FindNewestRow(ParticipantId participant, StreamId stream, int32_t utc_day);
  absl::StatusOr<DataKey> OpenKey(ParticipantId participant, const DataKeyName& name,
                                  const KeyRow& row);
  absl::StatusOr<std::string> ParticipantKey(ParticipantId participant);
  absl::StatusOr<std::optional<std::string>> WrappedParticipantKey(ParticipantId participant,
                                                                   bool& may_be_made);
  absl::Status MakeParticipantKey(ParticipantId participant);
  absl::Status MakeDataKey(ParticipantId participant, const DataKeyName& name);
  absl::StatusOr<std::string> InstallationKey(const std::string& name, const std::string& fresh);
  absl::StatusOr<std::optional<std::string>> ReadInstallationKey(const std::string& name);

  absl::StatusOr<Kek> BeginRotation();
  absl::Status EndRotation(const Kek& newest);
  absl::StatusOr<uint64_t> WrapInstallationKeys(const Kek& kek, absl::Status& damage);
  absl::StatusOr<uint64_t> WrapParticipantKeys(const Kek& kek, absl::Status& damage);

  const DatabaseKeyStoreOptions options_;
  const std::unique_ptr<KekFile> kek_;
  db::Pool pool_;
  Mutex mutex_;
  std::map<std::string, std::string, std::less<>> service_keys_ TM_GUARDED_BY(mutex_);
};

// Identity ----------------------------------------------------------------------------------------

absl::Status DatabaseKeyStore::Settle() {
  TM_ASSIGN_OR_RETURN(const std::string check,
                      InstallationKey(kCheckName, std::string(kCheckText)));
  if (check != kCheckText) return absl::DataLossError("key store: its check is damaged");
  return Run("make_key_store", [](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kMakeKeyStore, Uuid::MakeRandom().ToString());
    return absl::OkStatus();
  });
}

absl::StatusOr<Uuid> DatabaseKeyStore::Id() {
  return Run("find_key_store", [](db::Transaction& tx) -> absl::StatusOr<Uuid> {
    const pqxx::result rows = tx.Exec(sql::kFindKeyStore);
    if (rows.empty()) return store::KeyIsMissing("the store's id");
    return Uuid::Parse(rows[0]["key_store_id"].c_str());
  });
}

absl::StatusOr<RestoreMark> DatabaseKeyStore::ReadRestoreMark() {
  return Run("find_key_store", [](db::Transaction& tx) -> absl::StatusOr<RestoreMark> {
    const pqxx::result rows = tx.Exec(sql::kFindKeyStore);
    if (rows.empty()) return store::KeyIsMissing("the store's id");
    return RestoreMark{.generation = rows[0]["restore_generation"].as<uint64_t>(),
                       .heartbeat = rows[0]["heartbeat"].as<uint64_t>()};
  });
}

absl::Status DatabaseKeyStore::RaiseRestoreMark(const RestoreMark& mark) {
  return Run("raise_restore_mark", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kRaiseRestoreMark, mark.generation, mark.heartbeat);
    return absl::OkStatus();
  });
}

// Keys of the installation ------------------------------------------------------------------------

absl::StatusOr<std::optional<std::string>> DatabaseKeyStore::ReadInstallationKey(
    const std::string& name) {
  return Run("find_installation_key",
             [&](db::Transaction& tx) -> absl::StatusOr<std::optional<std::string>> {
               const pqxx::result rows = tx.Exec(sql::kFindInstallationKey, name);
               return rows.empty() ? std::nullopt : BytesIfAny(rows[0][0]);
             });
}

// `fresh` if there was none. Whoever rotates takes the lock alone to add a key to the file.
absl::StatusOr<std::string> DatabaseKeyStore::InstallationKey(const std::string& name,
                                                              const std::string& fresh) {
  const std::string purpose = PurposeOfInstallationKey(name);
  const auto read = [&] { return ReadInstallationKey(name); };
  TM_ASSIGN_OR_RETURN(std::optional<std::string> plain, kek_->Unwrap(purpose, read));
  if (plain) return *std::move(plain);
  TM_RETURN_IF_ERROR(Run("insert_installation_key", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kLockKeksShared);
    TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
    tx.Exec(sql::kInsertInstallationKey, name, db::Bytea(WrapKey(keks.newest(), purpose, fresh)));
    return absl::OkStatus();
  }));
  TM_ASSIGN_OR_RETURN(plain, kek_->Unwrap(purpose, read));
  if (!plain) return absl::UnavailableError("key store: a key vanished");
  return *std::move(plain);
}

absl::StatusOr<std::string> DatabaseKeyStore::ServiceKey(std::string_view name) {
  TM_RETURN_IF_ERROR(store::CheckServiceKeyName(name));
  {
    MutexLock lock(mutex_);
    if (const auto found = service_keys_.find(name); found != service_keys_.end()) {
      return found->second;
    }
  }
  TM_ASSIGN_OR_RETURN(
      const std::string key,
      InstallationKey(std::string(kServicePrefix) + std::string(name), RandomBytes(kAesKeyBytes)));
  MutexLock lock(mutex_);
  if (service_keys_.size() < kServiceKeysCachedMax) service_keys_.emplace(name, key);
  return key;
}

absl::StatusOr<std::string> DatabaseKeyStore::ReceiptKeyPem() {
  return InstallationKey(kReceiptName, SigningKey::GenerateEd25519().ExportPem());
}

// Keys of participants ----------------------------------------------------------------------------

absl::StatusOr<KeyRow> DatabaseKeyStore::FindRow(ParticipantId participant,
                                                 const DataKeyName& name) {
  return Run("find_data_key", [&](db::Transaction& tx) -> absl::StatusOr<KeyRow> {
    return KeyRowOf(tx.Exec(sql::kFindDataKey, participant.ToString(), name.stream_id.ToString(),
                            name.utc_day, name.generation)[0]);
  });
}

absl::StatusOr<KeyRow> DatabaseKeyStore::FindNewestRow(ParticipantId participant, StreamId stream,
                                                       int32_t utc_day) {
  return Run("find_newest_data_key", [&](db::Transaction& tx) -> absl::StatusOr<KeyRow> {
    const pqxx::row row =
        tx.Exec(sql::kFindNewestDataKey, participant.ToString(), stream.ToString(), utc_day)[0];
    KeyRow found = KeyRowOf(row);
    if (!row["generation"].is_null()) found.generation = row["generation"].as<uint32_t>();
    return found;
  });
}

absl::StatusOr<std::optional<std::string>> DatabaseKeyStore::WrappedParticipantKey(
    ParticipantId participant, bool& may_be_made) {
  return Run("find_participant_key",
             [&](db::Transaction& tx) -> absl::StatusOr<std::optional<std::string>> {
               const pqxx::row row = tx.Exec(sql::kFindParticipantKey, participant.ToString())[0];
               if (row["destroyed"].as<bool>()) return store::ParticipantIsDestroyed();
               may_be_made = !row["found"].as<bool>() && !row["has_data_keys"].as<bool>();
               return BytesIfAny(row["wrapped"]);
             });
}

// Made once in the participant's life, and never where there is data: what the old one sealed would
// be lost, and what the new one seals with it when the old comes back.
absl::Status DatabaseKeyStore::MakeParticipantKey(ParticipantId participant) {
  if (options_.has_sealed_data) {
    TM_ASSIGN_OR_RETURN(const bool has_data, options_.has_sealed_data(participant));
    if (has_data) return store::KeyIsMissing("a participant's key");
  }
  return Run("insert_participant_key", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kLockKeksShared);
    TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
    tx.Exec(sql::kInsertParticipantKey, participant.ToString(),
            db::Bytea(WrapKey(keks.newest(), store::ParticipantKeyPurpose(participant),
                              RandomBytes(kAesKeyBytes))));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::string> DatabaseKeyStore::ParticipantKey(ParticipantId participant) {
  bool may_be_made = false;
  const auto read = [&] { return WrappedParticipantKey(participant, may_be_made); };
  const std::string purpose = store::ParticipantKeyPurpose(participant);
  TM_ASSIGN_OR_RETURN(std::optional<std::string> key, kek_->Unwrap(purpose, read));
  if (!key && may_be_made) {
    const absl::Status made = MakeParticipantKey(participant);
    // A participant whose first key another server is just making looks like one whose key is lost.
    TM_ASSIGN_OR_RETURN(key, kek_->Unwrap(purpose, read));
    if (!key && !made.ok()) return made;
  }
  if (!key) return store::KeyIsMissing("a participant's key");
  return *std::move(key);
}

// Nothing happens to the participant's key until the data key is there.
absl::Status DatabaseKeyStore::MakeDataKey(ParticipantId participant, const DataKeyName& name) {
  TM_ASSIGN_OR_RETURN(const std::string participant_key, ParticipantKey(participant));
  const std::string sealed = AesGcmSeal(participant_key, store::DataKeyPurpose(participant, name),
                                        RandomBytes(kAesKeyBytes));
  return Run("insert_data_key", [&](db::Transaction& tx) -> absl::Status {
    if (tx.Exec(sql::kLockParticipantKey, participant.ToString()).empty()) return JustChanged();
    tx.Exec(sql::kInsertDataKey, participant.ToString(), name.stream_id.ToString(), name.utc_day,
            name.generation, db::Bytea(sealed));
    return absl::OkStatus();
  });
}

absl::StatusOr<DataKey> DatabaseKeyStore::OpenKey(ParticipantId participant,
                                                  const DataKeyName& name, const KeyRow& row) {
  if (row.participant_destroyed || row.destroyed) return store::KeyIsDestroyed();
  if (!row.participant_wrapped) return store::KeyIsMissing("a participant's key");
  if (!row.wrapped) return store::KeyIsMissing("a data key");
  // A rotation may pass between the two: then the participant's key is read again.
  bool first = true;
  const auto read = [&]() -> absl::StatusOr<std::optional<std::string>> {
    if (std::exchange(first, false)) return row.participant_wrapped;
    TM_ASSIGN_OR_RETURN(KeyRow again, FindRow(participant, name));
    return std::move(again.participant_wrapped);
  };
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> participant_key,
                      kek_->Unwrap(store::ParticipantKeyPurpose(participant), read));
  if (!participant_key) return store::KeyIsDestroyed();
  DataKey key{.name = name, .bytes = {}};
  TM_ASSIGN_OR_RETURN(
      key.bytes,
      AesGcmOpen(*participant_key, store::DataKeyPurpose(participant, name), *row.wrapped));
  return key;
}

absl::StatusOr<DataKey> DatabaseKeyStore::KeyForWriting(ParticipantId participant, StreamId stream,
                                                        int32_t utc_day) {
  TM_ASSIGN_OR_RETURN(KeyRow row, FindNewestRow(participant, stream, utc_day));
  DataKeyName name{.stream_id = stream, .utc_day = utc_day, .generation = 0};
  if (row.participant_destroyed) return store::ParticipantIsDestroyed();
  if (row.generation && row.destroyed && *row.generation >= UINT32_MAX - 1) {
    return absl::ResourceExhaustedError("key store: no name is left for a key of this day");
  }
  if (row.generation) name.generation = *row.generation + (row.destroyed ? 1 : 0);
  if (!row.generation || row.destroyed) {
    TM_RETURN_IF_ERROR(MakeDataKey(participant, name));
    TM_ASSIGN_OR_RETURN(row, FindRow(participant, name));
  }
  absl::StatusOr<DataKey> key = OpenKey(participant, name, row);
  return absl::IsNotFound(key.status()) ? JustChanged() : key;
}

absl::StatusOr<DataKey> DatabaseKeyStore::Find(ParticipantId participant, const DataKeyName& name) {
  TM_ASSIGN_OR_RETURN(const KeyRow row, FindRow(participant, name));
  return OpenKey(participant, name, row);
}

absl::Status DatabaseKeyStore::DestroyParticipant(ParticipantId participant) {
  return Run("destroy_participant_key", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kDestroyParticipantKey, participant.ToString());
    tx.Exec(sql::kDestroyDataKeys, participant.ToString());
    return absl::OkStatus();
  });
}

absl::Status DatabaseKeyStore::DestroyDataKey(ParticipantId participant, const DataKeyName& name) {
  return Run("destroy_data_key", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kDestroyDataKey, participant.ToString(), name.stream_id.ToString(), name.utc_day,
            name.generation);
    return absl::OkStatus();
  });
}

// Rotation ----------------------------------------------------------------------------------------

absl::StatusOr<Kek> DatabaseKeyStore::BeginRotation() {
  return Run("begin_rotation", [&](db::Transaction& tx) -> absl::StatusOr<Kek> {
    tx.Exec(sql::kLockKeks);
    return kek_->BeginRotation();
  });
}

absl::Status DatabaseKeyStore::EndRotation(const Kek& newest) {
  return Run("end_rotation", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kLockKeks);
    return kek_->EndRotation(newest);
  });
}

// Each key alone, and only if it is still what was opened: a key that is destroyed meanwhile stays
// destroyed.
absl::StatusOr<uint64_t> DatabaseKeyStore::WrapInstallationKeys(const Kek& kek,
                                                                absl::Status& damage) {
  TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
  return Run("wrap_installation_keys", [&](db::Transaction& tx) -> absl::StatusOr<uint64_t> {
    uint64_t wrapped = 0;
    const pqxx::result rows =
        tx.Exec(sql::kListInstallationKeysOfOthers, db::Bytea(WrappedPrefix(kek)));
    for (const pqxx::row& row : rows) {
      const auto name = row["name"].as<std::string>();
      const std::string before = db::BytesOf(row["wrapped"]);
      const std::string purpose = PurposeOfInstallationKey(name);
      const absl::StatusOr<std::string> plain = keks.Unwrap(purpose, before);
      if (!plain.ok()) {
        damage = plain.status();
        continue;
      }
      wrapped += static_cast<uint64_t>(tx.Exec(sql::kWrapInstallationKey, name, db::Bytea(before),
                                               db::Bytea(WrapKey(kek, purpose, *plain)))
                                           .affected_rows());
    }
    return wrapped;
  });
}

absl::StatusOr<uint64_t> DatabaseKeyStore::WrapParticipantKeys(const Kek& kek,
                                                               absl::Status& damage) {
  TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
  std::string after = Uuid().ToString();
  uint64_t wrapped = 0;
  for (bool more = true; more;) {
    TM_ASSIGN_OR_RETURN(
        const uint64_t of_page,
        Run("wrap_participant_keys", [&](db::Transaction& tx) -> absl::StatusOr<uint64_t> {
          uint64_t count = 0;
          const pqxx::result rows = tx.Exec(sql::kListParticipantKeysOfOthers,
                                            db::Bytea(WrappedPrefix(kek)), after, kRotationPageMax);
          for (const pqxx::row& row : rows) {
            const auto id = row["participant_id"].as<std::string>();
            TM_ASSIGN_OR_RETURN(const ParticipantId participant, ParticipantId::Parse(id));
            const std::string before = db::BytesOf(row["wrapped"]);
            const std::string purpose = store::ParticipantKeyPurpose(participant);
            const absl::StatusOr<std::string> plain = keks.Unwrap(purpose, before);
            if (!plain.ok()) {
              damage = plain.status();
              continue;
            }
            count += static_cast<uint64_t>(tx.Exec(sql::kWrapParticipantKey, id, db::Bytea(before),
                                                   db::Bytea(WrapKey(kek, purpose, *plain)))
                                               .affected_rows());
          }
          more = rows.size() == static_cast<size_t>(kRotationPageMax);
          if (!rows.empty()) after = rows.back()["participant_id"].as<std::string>();
          return count;
        }));
    wrapped += of_page;
  }
  return wrapped;
}

absl::StatusOr<uint64_t> DatabaseKeyStore::RotateKeyEncryptionKey() {
  TM_ASSIGN_OR_RETURN(const Kek newest, BeginRotation());
  uint64_t wrapped = 0;
  for (int pass = 0; pass < kRotationPassesMax; ++pass) {
    absl::Status damage;
    TM_ASSIGN_OR_RETURN(uint64_t of_pass, WrapInstallationKeys(newest, damage));
    TM_ASSIGN_OR_RETURN(const uint64_t of_people, WrapParticipantKeys(newest, damage));
    of_pass += of_people;
    wrapped += of_pass;
    if (!damage.ok()) return store::KeysDoNotOpen(damage);
    if (of_pass > 0) continue;
    TM_RETURN_IF_ERROR(EndRotation(newest));
    return wrapped;
  }
  return absl::AbortedError("key store: keys kept changing; rotate again");
}

absl::StatusOr<store::KeyStoreFacts> DatabaseKeyStore::Inspect() {
  TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
  store::KeyStoreFacts facts;
  facts.is_database = true;
  facts.keks = keks.size();
  struct stat info {};
  if (stat(kek_->path().c_str(), &info) == 0) {
    if ((info.st_mode & 0077) != 0) {
      facts.exposure = "the key-encryption key is open to others than its owner: chmod go= it";
    } else if (info.st_uid != geteuid()) {
      facts.exposure = "the key-encryption key belongs to another user";
    }
  }
  return facts;
}

// Opening -----------------------------------------------------------------------------------------

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

absl::Status CheckIsMeant(const DatabaseKeyStoreOptions& options, const StoreState& state) {
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
  TM_RETURN_IF_ERROR(CheckIsMeant(options, state));
  TM_ASSIGN_OR_RETURN(std::unique_ptr<KekFile> kek,
                      KekFile::Open(options.kek_path, !state.used_before));
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
