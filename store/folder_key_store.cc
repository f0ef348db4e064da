// The key store of a site without a key service: files in a folder.
//
//   kek                                the key-encryption key, hexadecimal, unless it is elsewhere
//   kek.check                          tells a wrong key-encryption key at start
//   receipt.pem                        sealed, like every key below
//   service/<name>
//   restore_generation                 a decimal number
//   participants/<hh>/<id>/key         wrapped by the key-encryption key
//                        /<stream>/<day>.<generation>   data keys, wrapped by the participant's key
//                        /destroyed    stays for ever, so that the key is never made again
//
// <hh> are the last two digits of the id, which are random; the first ones of a UUIDv7 are time.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/endian.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "store/key_files.h"
#include "store/key_store.h"
#include "store/lru_cache.h"

namespace tidemark::store {
namespace {

// Stands for "the newest generation" in names of cached keys only.
constexpr uint32_t kNewest = UINT32_MAX;
constexpr std::string_view kCheckText = "tidemark-key-store-1";

struct CacheKey {
  ParticipantId participant_id;
  DataKeyName name;
  friend bool operator==(const CacheKey&, const CacheKey&) = default;
};

struct CacheKeyHash {
  size_t operator()(const CacheKey& key) const {
    const auto numbers =
        uint64_t{static_cast<uint32_t>(key.name.utc_day)} << 32 | uint64_t{key.name.generation};
    const size_t ids = std::hash<ParticipantId>{}(key.participant_id) * 31 +
                       std::hash<StreamId>{}(key.name.stream_id);
    return ids ^ static_cast<size_t>(numbers * 0x9E3779B97F4A7C15ull);
  }
};

// What a sealed file is for, bound in: files that are swapped do not open.
std::string Purpose(std::string_view kind, std::string_view name) {
  return fmt::format("tidemark-{}\n{}", kind, name);
}

std::string DataKeyPurpose(ParticipantId participant, const DataKeyName& name) {
  std::string binary(participant.AsBytes());
  binary += name.stream_id.AsBytes();
  AppendLe(binary, name.utc_day);
  AppendLe(binary, name.generation);
  return Purpose("data-key", binary);
}

absl::StatusOr<std::string> ParseKek(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  const absl::StatusOr<std::string> bytes = HexDecode(text);
  if (!bytes.ok() || bytes->size() != kAesKeyBytes) {
    return absl::FailedPreconditionError(
        "key store: the key-encryption key must be 64 hexadecimal digits");
  }
  return *bytes;
}

// "<day>.<generation>"
std::optional<std::pair<int32_t, uint32_t>> ParseDataKeyFile(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  int32_t day = 0;
  uint32_t generation = 0;
  const char* const end = name.data() + name.size();
  const auto parsed_day = std::from_chars(name.data(), name.data() + dot, day);
  const auto parsed_generation = std::from_chars(name.data() + dot + 1, end, generation);
  if (parsed_day.ec != std::errc() || parsed_day.ptr != name.data() + dot ||
      parsed_generation.ec != std::errc() || parsed_generation.ptr != end) {
    return std::nullopt;
  }
  return std::pair(day, generation);
}

absl::Status Destroyed() {
  return absl::FailedPreconditionError("key store: the participant's key was destroyed");
}

class FolderKeyStore final : public KeyStore {
 public:
  FolderKeyStore(std::string folder, std::string kek, size_t cached_keys_max)
      : folder_(std::move(folder)),
        kek_(std::move(kek)),
        cache_(std::max<size_t>(cached_keys_max, 1)) {}

  absl::StatusOr<DataKey> KeyForWriting(ParticipantId participant, StreamId stream,
                                        int32_t utc_day) override;
  absl::StatusOr<DataKey> Find(ParticipantId participant, const DataKeyName& name) override;
  absl::Status DestroyParticipant(ParticipantId participant) override;
  absl::StatusOr<std::string> ServiceKey(std::string_view name) override;
  absl::StatusOr<std::string> ReceiptKeyPem() override;
  absl::StatusOr<uint64_t> RestoreGeneration() override;
  absl::Status SetRestoreGeneration(uint64_t generation) override;

 private:
  std::string ShardFolder(ParticipantId participant) const {
    const std::string id = participant.ToString();
    return fmt::format("{}/participants/{}", folder_, id.substr(id.size() - 2));
  }
  std::string Folder(ParticipantId participant) const {
    return fmt::format("{}/{}", ShardFolder(participant), participant.ToString());
  }
  std::string Folder(ParticipantId participant, StreamId stream) const {
    return fmt::format("{}/{}", Folder(participant), stream.ToString());
  }
  std::string KeyPath(ParticipantId participant) const { return Folder(participant) + "/key"; }
  std::string MarkerPath(ParticipantId participant) const {
    return Folder(participant) + "/destroyed";
  }
  std::string DataKeyPath(ParticipantId participant, const DataKeyName& name) const {
    return fmt::format("{}/{}.{}", Folder(participant, name.stream_id), name.utc_day,
                       name.generation);
  }

  absl::StatusOr<bool> IsDestroyed(ParticipantId participant) const {
    return KeyFileExists(MarkerPath(participant));
  }
  absl::Status MakeFolders(ParticipantId participant, StreamId stream) const;
  absl::StatusOr<std::string> OpenParticipantKey(ParticipantId participant,
                                                 std::string_view sealed) const;
  absl::StatusOr<std::string> MakeParticipantKey(ParticipantId participant) const;
  absl::StatusOr<uint32_t> NewestGeneration(ParticipantId participant, StreamId stream,
                                            int32_t utc_day) const;
  absl::StatusOr<DataKey> MakeDataKey(ParticipantId participant, StreamId stream,
                                      int32_t utc_day) const;
  absl::StatusOr<DataKey> ReadDataKey(ParticipantId participant, const DataKeyName& name) const;
  absl::StatusOr<std::string> SealedFile(const std::string& path, const std::string& purpose,
                                         const std::string& fresh) const;

  std::optional<DataKey> Cached(const CacheKey& key) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const DataKey* const found = cache_.Find(key);
    return found == nullptr ? std::nullopt : std::optional<DataKey>(*found);
  }
  void Remember(const CacheKey& key, const DataKey& value) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    cache_.Put(key, value);
  }
  void Forget(ParticipantId participant) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    cache_.EraseIf([&](const CacheKey& key) { return key.participant_id == participant; });
  }

  const std::string folder_;
  const std::string kek_;
  Mutex mutex_;
  LruCache<CacheKey, DataKey, CacheKeyHash> cache_ TM_GUARDED_BY(mutex_);
};

absl::Status FolderKeyStore::MakeFolders(ParticipantId participant, StreamId stream) const {
  TM_RETURN_IF_ERROR(MakeFolder(ShardFolder(participant)));
  TM_RETURN_IF_ERROR(MakeFolder(Folder(participant)));
  return MakeFolder(Folder(participant, stream));
}

absl::StatusOr<std::string> FolderKeyStore::OpenParticipantKey(ParticipantId participant,
                                                               std::string_view sealed) const {
  return AesGcmOpen(kek_, Purpose("participant-key", participant.AsBytes()), sealed);
}

absl::StatusOr<std::string> FolderKeyStore::MakeParticipantKey(ParticipantId participant) const {
  return SealedFile(KeyPath(participant), Purpose("participant-key", participant.AsBytes()),
                    RandomBytes(kAesKeyBytes));
}

// What the file at `path` holds, sealed by the key-encryption key: `fresh` if there was none.
absl::StatusOr<std::string> FolderKeyStore::SealedFile(const std::string& path,
                                                       const std::string& purpose,
                                                       const std::string& fresh) const {
  TM_ASSIGN_OR_RETURN(std::optional<std::string> sealed, ReadKeyFile(path));
  if (!sealed) {
    TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, AesGcmSeal(kek_, purpose, fresh)).status());
    TM_ASSIGN_OR_RETURN(sealed, ReadKeyFile(path));
    if (!sealed) return absl::UnavailableError("key store: a key vanished");
  }
  return AesGcmOpen(kek_, purpose, *sealed);
}

absl::StatusOr<uint32_t> FolderKeyStore::NewestGeneration(ParticipantId participant,
                                                          StreamId stream, int32_t utc_day) const {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      ListFolder(Folder(participant, stream)));
  uint32_t newest = 0;
  for (const std::string& name : names) {
    const auto parsed = ParseDataKeyFile(name);
    if (parsed && parsed->first == utc_day) newest = std::max(newest, parsed->second);
  }
  return newest;
}

// Writes the key if there is none; whoever races us here ends with the same one. A destruction that
// comes in between is seen by the look at the marker afterwards: what we made is then removed.
absl::StatusOr<DataKey> FolderKeyStore::MakeDataKey(ParticipantId participant, StreamId stream,
                                                    int32_t utc_day) const {
  TM_RETURN_IF_ERROR(MakeFolders(participant, stream));
  TM_ASSIGN_OR_RETURN(const std::string participant_key, MakeParticipantKey(participant));
  DataKeyName name{.stream_id = stream, .utc_day = utc_day};
  TM_ASSIGN_OR_RETURN(name.generation, NewestGeneration(participant, stream, utc_day));
  const std::string path = DataKeyPath(participant, name);
  const std::string sealed =
      AesGcmSeal(participant_key, DataKeyPurpose(participant, name), RandomBytes(kAesKeyBytes));
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, sealed).status());
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) {
    TM_RETURN_IF_ERROR(DestroyKeyFile(KeyPath(participant)));
    TM_RETURN_IF_ERROR(DestroyKeyFile(path));
    return Destroyed();
  }
  return ReadDataKey(participant, name);
}

absl::StatusOr<DataKey> FolderKeyStore::ReadDataKey(ParticipantId participant,
                                                    const DataKeyName& name) const {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> sealed_participant_key,
                      ReadKeyFile(KeyPath(participant)));
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> sealed,
                      ReadKeyFile(DataKeyPath(participant, name)));
  if (!sealed_participant_key || !sealed) {
    return absl::NotFoundError("key store: no such key, or it was destroyed");
  }
  TM_ASSIGN_OR_RETURN(const std::string participant_key,
                      OpenParticipantKey(participant, *sealed_participant_key));
  DataKey key{.name = name, .bytes = {}};
  TM_ASSIGN_OR_RETURN(key.bytes,
                      AesGcmOpen(participant_key, DataKeyPurpose(participant, name), *sealed));
  return key;
}

absl::StatusOr<DataKey> FolderKeyStore::KeyForWriting(ParticipantId participant, StreamId stream,
                                                      int32_t utc_day) {
  // Another process may have destroyed the key meanwhile: the marker is looked at every time.
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) return Destroyed();
  const CacheKey cache_key{participant, {stream, utc_day, kNewest}};
  if (const std::optional<DataKey> cached = Cached(cache_key)) return *cached;
  TM_ASSIGN_OR_RETURN(const DataKey key, MakeDataKey(participant, stream, utc_day));
  Remember(cache_key, key);
  return key;
}

absl::StatusOr<DataKey> FolderKeyStore::Find(ParticipantId participant, const DataKeyName& name) {
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) return absl::NotFoundError("key store: the participant's key was destroyed");
  const CacheKey cache_key{participant, name};
  if (const std::optional<DataKey> cached = Cached(cache_key)) return *cached;
  TM_ASSIGN_OR_RETURN(const DataKey key, ReadDataKey(participant, name));
  Remember(cache_key, key);
  return key;
}

absl::Status FolderKeyStore::DestroyParticipant(ParticipantId participant) {
  TM_RETURN_IF_ERROR(MakeFolder(ShardFolder(participant)));
  TM_RETURN_IF_ERROR(MakeFolder(Folder(participant)));
  // The marker first: from here on nobody makes a key again, and the rest may be repeated.
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(MarkerPath(participant), "").status());
  Forget(participant);
  TM_RETURN_IF_ERROR(DestroyKeyFile(KeyPath(participant)));
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(Folder(participant)));
  for (const std::string& name : names) {
    const absl::StatusOr<StreamId> stream = StreamId::Parse(name);
    if (!stream.ok()) continue;
    const std::string folder = Folder(participant, *stream);
    TM_ASSIGN_OR_RETURN(const std::vector<std::string> keys, ListFolder(folder));
    for (const std::string& key : keys) TM_RETURN_IF_ERROR(DestroyKeyFile(folder + "/" + key));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FolderKeyStore::ServiceKey(std::string_view name) {
  const bool is_plain =
      !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  if (!is_plain) return absl::InvalidArgumentError("key store: a service key has a plain name");
  return SealedFile(fmt::format("{}/service/{}", folder_, name), Purpose("service-key", name),
                    RandomBytes(kAesKeyBytes));
}

absl::StatusOr<std::string> FolderKeyStore::ReceiptKeyPem() {
  return SealedFile(folder_ + "/receipt.pem", Purpose("receipt-key", ""),
                    SigningKey::GenerateEd25519().ExportPem());
}

absl::StatusOr<uint64_t> FolderKeyStore::RestoreGeneration() {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                      ReadKeyFile(folder_ + "/restore_generation"));
  if (!text) return uint64_t{0};
  uint64_t generation = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, generation);
  if (parsed.ec != std::errc() || std::string_view(parsed.ptr, end) != "\n") {
    return absl::DataLossError("key store: the restore generation is no number");
  }
  return generation;
}

absl::Status FolderKeyStore::SetRestoreGeneration(uint64_t generation) {
  TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder_));
  TM_ASSIGN_OR_RETURN(const uint64_t current, RestoreGeneration());
  if (generation < current) {
    return absl::FailedPreconditionError("key store: the restore generation only grows");
  }
  return ReplaceKeyFile(folder_ + "/restore_generation", fmt::format("{}\n", generation));
}

// A folder that was used before keeps its key: one that is missing is never made anew, because what
// it wraps would be lost without a word.
absl::StatusOr<std::string> ReadOrMakeKek(const std::string& path, bool folder_is_new) {
  TM_ASSIGN_OR_RETURN(std::optional<std::string> text, ReadKeyFile(path));
  if (!text && !folder_is_new) {
    return absl::FailedPreconditionError("key store: the key-encryption key is missing");
  }
  if (!text) {
    TM_RETURN_IF_ERROR(
        WriteKeyFileOnce(path, HexEncode(RandomBytes(kAesKeyBytes)) + "\n").status());
    TM_ASSIGN_OR_RETURN(text, ReadKeyFile(path));
    if (!text) return absl::UnavailableError("key store: the key-encryption key vanished");
  }
  return ParseKek(*text);
}

absl::Status CheckKek(const std::string& path, const std::string& kek) {
  const std::string purpose = Purpose("check", "");
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, AesGcmSeal(kek, purpose, kCheckText)).status());
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> sealed, ReadKeyFile(path));
  if (!sealed || !AesGcmOpen(kek, purpose, *sealed).ok()) {
    return absl::FailedPreconditionError(
        "key store: the key-encryption key is not the one this folder was made with");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyStore>> OpenFolderKeyStore(const FolderKeyStoreOptions& options) {
  const std::string& folder = options.folder;
  if (folder.empty()) return absl::InvalidArgumentError("key store: no folder given");
  TM_RETURN_IF_ERROR(MakeFolder(folder));
  const std::string check_path = folder + "/kek.check";
  TM_ASSIGN_OR_RETURN(const bool used_before, KeyFileExists(check_path));
  const std::string kek_path = options.kek_path.empty() ? folder + "/kek" : options.kek_path;
  TM_ASSIGN_OR_RETURN(std::string kek, ReadOrMakeKek(kek_path, !used_before));
  TM_RETURN_IF_ERROR(CheckKek(check_path, kek));
  TM_RETURN_IF_ERROR(MakeFolder(folder + "/service"));
  TM_RETURN_IF_ERROR(MakeFolder(folder + "/participants"));
  return std::make_unique<FolderKeyStore>(folder, std::move(kek), options.cached_keys_max);
}

}  // namespace tidemark::store
