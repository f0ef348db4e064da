// The key store in a database of its own; OpenDatabaseKeyStore (database_key_store.h) is the way
// in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "store/kek_file.h"
#include "store/keys/database_key_store.h"
#include "store/keys/key_database.h"
#include "store/service_key_cache.h"

namespace tidemark::keys {

// A data key and the participant's key that wraps it, as the database has them.
struct KeyRow {
  std::optional<std::string> participant_wrapped;
  bool participant_destroyed = false;
  std::optional<std::string> wrapped;
  bool destroyed = false;
  std::optional<uint32_t> generation;  // of the newest of a day
};

class DatabaseKeyStore final : public store::KeyStore {
 public:
  DatabaseKeyStore(const DatabaseKeyStoreOptions& options, std::unique_ptr<store::KekFile> kek)
      : options_(options),
        kek_(std::move(kek)),
        database_(options.dsn, options.connections_max, options.patience) {}

  // Checks the key-encryption key and gives a new store its identity.
  absl::Status Settle();

  absl::StatusOr<Uuid> Id() override;
  absl::StatusOr<store::DataKey> KeyForWriting(ParticipantId participant, StreamId stream,
                                               int32_t utc_day) override;
  absl::StatusOr<store::DataKey> Find(ParticipantId participant,
                                      const store::DataKeyName& name) override;
  absl::Status DestroyParticipant(ParticipantId participant) override;
  absl::Status DestroyDataKey(ParticipantId participant, const store::DataKeyName& name) override;
  absl::StatusOr<std::string> ServiceKey(std::string_view name) override;
  absl::StatusOr<std::string> ReceiptKeyPem() override;
  absl::StatusOr<store::RestoreMark> ReadRestoreMark() override;
  absl::Status RaiseRestoreMark(const store::RestoreMark& mark) override;
  absl::StatusOr<uint64_t> RotateKeyEncryptionKey() override;
  absl::StatusOr<store::KeyStoreFacts> Inspect() override;

 private:
  absl::StatusOr<KeyRow> FindRow(ParticipantId participant, const store::DataKeyName& name);
  absl::StatusOr<KeyRow> FindNewestRow(ParticipantId participant, StreamId stream, int32_t utc_day);
  absl::StatusOr<store::DataKey> OpenKey(ParticipantId participant, const store::DataKeyName& name,
                                         const KeyRow& row);
  absl::StatusOr<std::string> ParticipantKey(ParticipantId participant);
  absl::StatusOr<std::optional<std::string>> WrappedParticipantKey(ParticipantId participant,
                                                                   bool& may_be_made);
  absl::Status MakeParticipantKey(ParticipantId participant);
  absl::Status MakeDataKey(ParticipantId participant, const store::DataKeyName& name);
  absl::StatusOr<std::string> InstallationKey(const std::string& name, const std::string& fresh);
  absl::StatusOr<std::optional<std::string>> ReadInstallationKey(const std::string& name);

  const DatabaseKeyStoreOptions options_;
  const std::unique_ptr<store::KekFile> kek_;
  KeyDatabase database_;
  store::ServiceKeyCache service_keys_;
};

}  // namespace tidemark::keys
