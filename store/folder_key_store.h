// The key store of a site without a key service: files in a folder (store/folder_key_layout.h).
//
// OpenFolderKeyStore (store/key_store.h) is the way in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "store/folder_key_layout.h"
#include "store/kek_file.h"
#include "store/key_store.h"
#include "store/lru_cache.h"
#include "store/service_key_cache.h"

namespace tidemark::store {

class FolderKeyStore final : public KeyStore {
 public:
  FolderKeyStore(const FolderKeyStoreOptions& options, std::unique_ptr<KekFile> kek);

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
  absl::StatusOr<KeyStoreFacts> Inspect() override;

 private:
  struct CacheKey {
    ParticipantId participant_id;
    DataKeyName name;
    friend bool operator==(const CacheKey&, const CacheKey&) = default;
  };
  struct CacheKeyHash {
    size_t operator()(const CacheKey& key) const;
  };

  absl::StatusOr<bool> IsDestroyed(ParticipantId participant) const;
  absl::StatusOr<bool> HasFiles(ParticipantId participant, const DataKeyName& name) const;
  absl::Status CheckNeverMade(ParticipantId participant) const;
  absl::Status MakeParticipantFolder(ParticipantId participant) const;
  absl::StatusOr<std::optional<std::string>> OpenSealed(const std::string& path,
                                                        const std::string& purpose) const;
  absl::StatusOr<std::string> ParticipantKeyForWriting(ParticipantId participant) const;
  absl::StatusOr<uint32_t> GenerationForWriting(ParticipantId participant, StreamId stream,
                                                int32_t utc_day) const;
  absl::StatusOr<DataKey> MakeDataKey(ParticipantId participant, StreamId stream,
                                      int32_t utc_day) const;
  absl::StatusOr<DataKey> ReadDataKey(ParticipantId participant, const DataKeyName& name) const;
  absl::StatusOr<std::string> SealedFile(const std::string& path, const std::string& purpose,
                                         const std::string& fresh) const;

  std::optional<DataKey> Cached(const CacheKey& key) TM_EXCLUDES(mutex_);
  void Remember(const CacheKey& key, const DataKey& value) TM_EXCLUDES(mutex_);
  void Forget(const CacheKey& key) TM_EXCLUDES(mutex_);
  void Forget(ParticipantId participant) TM_EXCLUDES(mutex_);

  const FolderKeyLayout layout_;
  const std::unique_ptr<KekFile> kek_;
  const std::function<absl::StatusOr<bool>(ParticipantId)> has_sealed_data_;
  ServiceKeyCache service_keys_;
  Mutex mutex_;
  LruCache<CacheKey, DataKey, CacheKeyHash> cache_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::store
