#include "base/crypto.h"
#include "base/status_macros.h"
#include "store/key_files.h"
#include "store/key_purposes.h"
#include "store/keys/database_keys.h"
#include "store/keys/database_rotation.h"
#include "store/keys/sql.h"

namespace tidemark::keys {
namespace {

using store::DataKey;
using store::DataKeyName;
using store::KekFile;
using store::KekRing;
using store::RestoreMark;

// Destroyed between two looks: the next one says what.
absl::Status JustChanged() { return absl::UnavailableError("key store: a key changed just now"); }

KeyRow KeyRowOf(const pqxx::row& row) {
  return {.participant_wrapped = BytesIfAny(row["participant_wrapped"]),
          .participant_destroyed = row["participant_destroyed"].as<bool>(),
          .wrapped = BytesIfAny(row["wrapped"]),
          .destroyed = row["destroyed"].as<bool>(),
          .generation = std::nullopt};
}

}  // namespace

// Identity ----------------------------------------------------------------------------------------

absl::Status DatabaseKeyStore::Settle() {
  TM_ASSIGN_OR_RETURN(const std::string check,
                      InstallationKey(kCheckKeyName, std::string(store::kKekCheckText)));
  if (check != store::kKekCheckText) return absl::DataLossError("key store: its check is damaged");
  return database_.Run("make_key_store", [](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kMakeKeyStore, Uuid::MakeRandom().ToString());
    return absl::OkStatus();
  });
}

absl::StatusOr<Uuid> DatabaseKeyStore::Id() {
  return database_.Run("find_key_store", [](db::Transaction& tx) -> absl::StatusOr<Uuid> {
    const pqxx::result rows = tx.Exec(sql::kFindKeyStore);
    if (rows.empty()) return store::KeyIsMissing("the store's id");
    return Uuid::Parse(rows[0]["key_store_id"].c_str());
  });
}

absl::StatusOr<RestoreMark> DatabaseKeyStore::ReadRestoreMark() {
  return database_.Run("find_key_store", [](db::Transaction& tx) -> absl::StatusOr<RestoreMark> {
    const pqxx::result rows = tx.Exec(sql::kFindKeyStore);
    if (rows.empty()) return store::KeyIsMissing("the store's id");
    return RestoreMark{.generation = rows[0]["restore_generation"].as<uint64_t>(),
                       .heartbeat = rows[0]["heartbeat"].as<uint64_t>()};
  });
}

absl::Status DatabaseKeyStore::RaiseRestoreMark(const RestoreMark& mark) {
  return database_.Run("raise_restore_mark", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kRaiseRestoreMark, mark.generation, mark.heartbeat);
    return absl::OkStatus();
  });
}

// Keys of the installation ------------------------------------------------------------------------

absl::StatusOr<std::optional<std::string>> DatabaseKeyStore::ReadInstallationKey(
    const std::string& name) {
  return database_.Run("find_installation_key",
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
  TM_RETURN_IF_ERROR(
      database_.Run("insert_installation_key", [&](db::Transaction& tx) -> absl::Status {
        tx.Exec(sql::kLockKeksShared);
        TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
        tx.Exec(sql::kInsertInstallationKey, name,
                db::Bytea(WrapKey(keks.newest(), purpose, fresh)));
        return absl::OkStatus();
      }));
  TM_ASSIGN_OR_RETURN(plain, kek_->Unwrap(purpose, read));
  if (!plain) return absl::UnavailableError("key store: a key vanished");
  return *std::move(plain);
}

absl::StatusOr<std::string> DatabaseKeyStore::ServiceKey(std::string_view name) {
  return service_keys_.Get(
      name, [&] { return InstallationKey(ServiceKeyRowName(name), RandomBytes(kAesKeyBytes)); });
}

absl::StatusOr<std::string> DatabaseKeyStore::ReceiptKeyPem() {
  return InstallationKey(kReceiptKeyName, SigningKey::GenerateEd25519().ExportPem());
}

// Keys of participants ----------------------------------------------------------------------------

absl::StatusOr<KeyRow> DatabaseKeyStore::FindRow(ParticipantId participant,
                                                 const DataKeyName& name) {
  return database_.Run("find_data_key", [&](db::Transaction& tx) -> absl::StatusOr<KeyRow> {
    return KeyRowOf(tx.Exec(sql::kFindDataKey, participant.ToString(), name.stream_id.ToString(),
                            name.utc_day, name.generation)[0]);
  });
}

absl::StatusOr<KeyRow> DatabaseKeyStore::FindNewestRow(ParticipantId participant, StreamId stream,
                                                       int32_t utc_day) {
  return database_.Run("find_newest_data_key", [&](db::Transaction& tx) -> absl::StatusOr<KeyRow> {
    const pqxx::row row =
        tx.Exec(sql::kFindNewestDataKey, participant.ToString(), stream.ToString(), utc_day)[0];
    KeyRow found = KeyRowOf(row);
    if (!row["generation"].is_null()) found.generation = row["generation"].as<uint32_t>();
    return found;
  });
}

absl::StatusOr<std::optional<std::string>> DatabaseKeyStore::WrappedParticipantKey(
    ParticipantId participant, bool& may_be_made) {
  return database_.Run("find_participant_key",
                       [&](db::Transaction& tx) -> absl::StatusOr<std::optional<std::string>> {
                         const pqxx::row row =
                             tx.Exec(sql::kFindParticipantKey, participant.ToString())[0];
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
  return database_.Run("insert_participant_key", [&](db::Transaction& tx) -> absl::Status {
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
  return database_.Run("insert_data_key", [&](db::Transaction& tx) -> absl::Status {
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
  return database_.Run("destroy_participant_key", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kDestroyParticipantKey, participant.ToString());
    tx.Exec(sql::kDestroyDataKeys, participant.ToString());
    return absl::OkStatus();
  });
}

absl::Status DatabaseKeyStore::DestroyDataKey(ParticipantId participant, const DataKeyName& name) {
  return database_.Run("destroy_data_key", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kDestroyDataKey, participant.ToString(), name.stream_id.ToString(), name.utc_day,
            name.generation);
    return absl::OkStatus();
  });
}

// The key-encryption key --------------------------------------------------------------------------

absl::StatusOr<uint64_t> DatabaseKeyStore::RotateKeyEncryptionKey() {
  DatabaseRotationStore rows(database_);
  return store::RotateKeyEncryptionKey(*kek_, rows);
}

absl::StatusOr<store::KeyStoreFacts> DatabaseKeyStore::Inspect() {
  TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
  store::KeyStoreFacts facts;
  facts.is_database = true;
  facts.keks = keks.size();
  facts.exposure = store::ExposureOf(kek_->path(), "the key-encryption key");
  return facts;
}

}  // namespace tidemark::keys
