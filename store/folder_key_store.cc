// The key store of a site without a key service: files in a folder.
//
//   kek                                the key-encryption key (kek_ring.h), unless it is elsewhere
//   kek.check                          tells a wrong key-encryption key at start
//   receipt.pem                        sealed, like every key below
//   id                                 tells this folder from every other, in hexadecimal
//   service/<name>
//   restore_generation, heartbeat      decimal numbers
//   lock                               held while keys are wrapped and the above are raised
//   rotation                           locked by who rotates
//   participants/<hh>/<id>/key         wrapped by the key-encryption key
//                        /<stream>/<day>.<generation>   data keys, wrapped by the participant's key
//                                 /<day>.<generation>.destroyed   stays: the name is never reused
//                        /destroyed    stays for ever, so that the key is never made again
//
// <hh> are the last two digits of the id, which are random; the first ones of a UUIDv7 are time.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/endian.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "store/kek_file.h"
#include "store/key_files.h"
#include "store/key_purposes.h"
#include "store/key_store.h"
#include "store/lru_cache.h"

namespace tidemark::store {
namespace {

// Stands for "the newest generation" in names of cached keys only.
constexpr uint32_t kNewest = UINT32_MAX;
constexpr std::string_view kCheckText = "tidemark-key-store-1";
constexpr char kGenerationFile[] = "restore_generation";
constexpr char kHeartbeatFile[] = "heartbeat";
constexpr std::string_view kDestroyedSuffix = ".destroyed";
// Names are constants of the code; more of them would be a mistake.
constexpr size_t kServiceKeysCachedMax = 64;

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

struct DataKeyFile {
  int32_t utc_day = 0;
  uint32_t generation = 0;
  bool destroyed = false;
};

// "<day>.<generation>", or that with ".destroyed"
std::optional<DataKeyFile> ParseDataKeyFile(std::string_view name) {
  const bool destroyed = name.ends_with(kDestroyedSuffix);
  if (destroyed) name.remove_suffix(kDestroyedSuffix.size());
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
  return DataKeyFile{day, generation, destroyed};
}

// A rotation that meets new files again and again gives up; it goes on when it is asked for again.
constexpr int kRotationPassesMax = 8;

class FolderKeyStore final : public KeyStore {
 public:
  FolderKeyStore(const FolderKeyStoreOptions& options, std::unique_ptr<KekFile> kek)
      : folder_(options.folder),
        kek_(std::move(kek)),
        has_sealed_data_(options.has_sealed_data),
        cache_(std::max<size_t>(options.cached_keys_max, 1)) {}

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

  std::string TombstonePath(ParticipantId participant, const DataKeyName& name) const {
    return fmt::format("{}{}", DataKeyPath(participant, name), kDestroyedSuffix);
  }

  absl::StatusOr<bool> IsDestroyed(ParticipantId participant) const {
    return KeyFileExists(MarkerPath(participant));
  }
  absl::StatusOr<bool> HasFiles(ParticipantId participant, const DataKeyName& name) const;
  absl::Status CheckNeverMade(ParticipantId participant) const;
  absl::Status MakeFolders(ParticipantId participant, StreamId stream) const;
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
  absl::StatusOr<uint64_t> ReadNumber(const char* name) const;

  // A file that the key-encryption key has sealed.
  struct Sealed {
    std::string path;
    std::string purpose;
    std::string marker;  // of a participant: the file that says that the key was destroyed
  };
  absl::StatusOr<std::vector<Sealed>> ListSealed() const;
  absl::StatusOr<bool> WrapAnew(const Kek& kek, const Sealed& sealed) const;
  absl::StatusOr<uint64_t> WrapAllAnew(const Kek& kek, absl::Status& damage) const;

  std::optional<DataKey> Cached(const CacheKey& key) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const DataKey* const found = cache_.Find(key);
    return found == nullptr ? std::nullopt : std::optional<DataKey>(*found);
  }
  void Remember(const CacheKey& key, const DataKey& value) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    cache_.Put(key, value);
  }
  void Forget(const CacheKey& key) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    cache_.EraseIf([&](const CacheKey& each) { return each == key; });
  }
  void Forget(ParticipantId participant) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    cache_.EraseIf([&](const CacheKey& key) { return key.participant_id == participant; });
  }

  const std::string folder_;
  const std::unique_ptr<KekFile> kek_;
  const std::function<absl::StatusOr<bool>(ParticipantId)> has_sealed_data_;
  Mutex mutex_;
  std::map<std::string, std::string, std::less<>> service_keys_ TM_GUARDED_BY(mutex_);
  LruCache<CacheKey, DataKey, CacheKeyHash> cache_ TM_GUARDED_BY(mutex_);
};

absl::Status FolderKeyStore::MakeFolders(ParticipantId participant, StreamId stream) const {
  TM_RETURN_IF_ERROR(MakeFolder(ShardFolder(participant)));
  TM_RETURN_IF_ERROR(MakeFolder(Folder(participant)));
  return MakeFolder(Folder(participant, stream));
}

absl::StatusOr<std::optional<std::string>> FolderKeyStore::OpenSealed(
    const std::string& path, const std::string& purpose) const {
  return kek_->Unwrap(purpose, [&] { return ReadKeyFile(path); });
}

// Made once in the participant's life. A key that is missing where there is data is never made
// anew: what the old one sealed would be lost, and what the new one seals with it when the old
// comes back.
absl::StatusOr<std::string> FolderKeyStore::ParticipantKeyForWriting(
    ParticipantId participant) const {
  TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(KeyPath(participant)));
  if (!exists) TM_RETURN_IF_ERROR(CheckNeverMade(participant));
  return SealedFile(KeyPath(participant), ParticipantKeyPurpose(participant),
                    RandomBytes(kAesKeyBytes));
}

// A participant whose first key is just being made by another server may look like one whose key is
// missing: the look at the file comes after the look at what depends on it.
absl::Status FolderKeyStore::CheckNeverMade(ParticipantId participant) const {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(Folder(participant)));
  bool was_made = std::any_of(names.begin(), names.end(),
                              [](const std::string& name) { return StreamId::Parse(name).ok(); });
  if (!was_made && has_sealed_data_) {
    TM_ASSIGN_OR_RETURN(was_made, has_sealed_data_(participant));
  }
  if (!was_made) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(KeyPath(participant)));
  return exists ? absl::OkStatus() : KeyIsMissing("a participant's key");
}

// What the file at `path` holds, sealed by the key-encryption key: `fresh` if there was none.
// Whoever rotates takes the same lock to add a key to the file and lists what is sealed afterwards:
// what is made here is either found by that list or sealed by the new key.
absl::StatusOr<std::string> FolderKeyStore::SealedFile(const std::string& path,
                                                       const std::string& purpose,
                                                       const std::string& fresh) const {
  TM_ASSIGN_OR_RETURN(std::optional<std::string> plain, OpenSealed(path, purpose));
  if (plain) return *std::move(plain);
  {
    TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder_));
    TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
    TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, WrapKey(keks.newest(), purpose, fresh)).status());
  }
  TM_ASSIGN_OR_RETURN(plain, OpenSealed(path, purpose));
  if (!plain) return absl::UnavailableError("key store: a key vanished");
  return *std::move(plain);
}

// The newest one there is; above it if that one was destroyed.
absl::StatusOr<uint32_t> FolderKeyStore::GenerationForWriting(ParticipantId participant,
                                                              StreamId stream,
                                                              int32_t utc_day) const {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      ListFolder(Folder(participant, stream)));
  uint32_t generation = 0;
  for (const std::string& name : names) {
    const std::optional<DataKeyFile> file = ParseDataKeyFile(name);
    if (!file || file->utc_day != utc_day) continue;
    if (file->destroyed && file->generation == UINT32_MAX) {
      return absl::ResourceExhaustedError("key store: no name is left for a key of this day");
    }
    generation = std::max(generation, file->generation + (file->destroyed ? 1 : 0));
  }
  return generation;
}

// Writes the key if there is none; whoever races us here ends with the same one. A destruction that
// comes in between is seen by the look at the marker afterwards: what we made is then removed.
absl::StatusOr<DataKey> FolderKeyStore::MakeDataKey(ParticipantId participant, StreamId stream,
                                                    int32_t utc_day) const {
  TM_RETURN_IF_ERROR(MakeFolder(ShardFolder(participant)));
  TM_RETURN_IF_ERROR(MakeFolder(Folder(participant)));
  // Before the folder of the stream, which says that there was a key.
  TM_ASSIGN_OR_RETURN(const std::string participant_key, ParticipantKeyForWriting(participant));
  TM_RETURN_IF_ERROR(MakeFolder(Folder(participant, stream)));
  DataKeyName name{.stream_id = stream, .utc_day = utc_day};
  TM_ASSIGN_OR_RETURN(name.generation, GenerationForWriting(participant, stream, utc_day));
  const std::string path = DataKeyPath(participant, name);
  const std::string sealed =
      AesGcmSeal(participant_key, DataKeyPurpose(participant, name), RandomBytes(kAesKeyBytes));
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, sealed).status());
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) {
    TM_RETURN_IF_ERROR(DestroyKeyFile(KeyPath(participant)));
    TM_RETURN_IF_ERROR(DestroyKeyFile(path));
    return ParticipantIsDestroyed();
  }
  return ReadDataKey(participant, name);
}

absl::StatusOr<DataKey> FolderKeyStore::ReadDataKey(ParticipantId participant,
                                                    const DataKeyName& name) const {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> participant_key,
                      OpenSealed(KeyPath(participant), ParticipantKeyPurpose(participant)));
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> sealed,
                      ReadKeyFile(DataKeyPath(participant, name)));
  if (!participant_key || !sealed) {
    // Looked for last: destroying leaves its mark before it removes anything.
    TM_ASSIGN_OR_RETURN(const bool participant_destroyed, IsDestroyed(participant));
    TM_ASSIGN_OR_RETURN(const bool destroyed, KeyFileExists(TombstonePath(participant, name)));
    if (participant_destroyed || destroyed) {
      return KeyIsDestroyed();
    }
    return KeyIsMissing(participant_key ? "a data key" : "a participant's key");
  }
  DataKey key{.name = name, .bytes = {}};
  TM_ASSIGN_OR_RETURN(key.bytes,
                      AesGcmOpen(*participant_key, DataKeyPurpose(participant, name), *sealed));
  return key;
}

// Whether what wraps the key and the key itself are still there.
absl::StatusOr<bool> FolderKeyStore::HasFiles(ParticipantId participant,
                                              const DataKeyName& name) const {
  TM_ASSIGN_OR_RETURN(const bool has_participant_key, KeyFileExists(KeyPath(participant)));
  if (!has_participant_key) return false;
  return KeyFileExists(DataKeyPath(participant, name));
}

// Another process may have destroyed the key meanwhile, and what is sealed with a key that is gone
// from the disk is lost at the next start: the files are looked for every time.
absl::StatusOr<DataKey> FolderKeyStore::KeyForWriting(ParticipantId participant, StreamId stream,
                                                      int32_t utc_day) {
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) return ParticipantIsDestroyed();
  const CacheKey cache_key{participant, {stream, utc_day, kNewest}};
  if (const std::optional<DataKey> cached = Cached(cache_key)) {
    TM_ASSIGN_OR_RETURN(const bool has_files, HasFiles(participant, cached->name));
    if (has_files) return *cached;
    const absl::Status gone = ReadDataKey(participant, cached->name).status();
    if (!absl::IsNotFound(gone)) return gone.ok() ? absl::StatusOr<DataKey>(*cached) : gone;
    Forget(cache_key);  // destroyed: the next generation takes its place
  }
  TM_ASSIGN_OR_RETURN(const DataKey key, MakeDataKey(participant, stream, utc_day));
  Remember(cache_key, key);
  return key;
}

absl::StatusOr<DataKey> FolderKeyStore::Find(ParticipantId participant, const DataKeyName& name) {
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) return KeyIsDestroyed();
  const CacheKey cache_key{participant, name};
  if (const std::optional<DataKey> cached = Cached(cache_key)) {
    TM_ASSIGN_OR_RETURN(const bool has_files, HasFiles(participant, name));
    if (has_files) return *cached;
    Forget(cache_key);
  }
  TM_ASSIGN_OR_RETURN(const DataKey key, ReadDataKey(participant, name));
  Remember(cache_key, key);
  return key;
}

absl::Status FolderKeyStore::DestroyDataKey(ParticipantId participant, const DataKeyName& name) {
  TM_RETURN_IF_ERROR(MakeFolders(participant, name.stream_id));
  // The mark first, as for a participant.
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(TombstonePath(participant, name), "").status());
  Forget(CacheKey{participant, name});
  return DestroyKeyFile(DataKeyPath(participant, name));
}

// Under the lock of those who wrap keys: a rotation must not put back what is removed here.
absl::Status FolderKeyStore::DestroyParticipant(ParticipantId participant) {
  TM_RETURN_IF_ERROR(MakeFolder(ShardFolder(participant)));
  TM_RETURN_IF_ERROR(MakeFolder(Folder(participant)));
  TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder_));
  // The marker first: from here on nobody makes a key again, and the rest may be repeated.
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(MarkerPath(participant), "").status());
  Forget(participant);
  TM_RETURN_IF_ERROR(DestroyKeyFile(KeyPath(participant)));
  TM_RETURN_IF_ERROR(DestroyLeftOvers(Folder(participant)));
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
  TM_RETURN_IF_ERROR(CheckServiceKeyName(name));
  {
    MutexLock lock(mutex_);
    if (const auto found = service_keys_.find(name); found != service_keys_.end()) {
      return found->second;
    }
  }
  TM_ASSIGN_OR_RETURN(const std::string key,
                      SealedFile(fmt::format("{}/service/{}", folder_, name),
                                 KeyPurpose("service-key", name), RandomBytes(kAesKeyBytes)));
  MutexLock lock(mutex_);
  if (service_keys_.size() < kServiceKeysCachedMax) service_keys_.emplace(name, key);
  return key;
}

absl::StatusOr<std::optional<Uuid>> ReadId(const std::string& folder) {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadKeyFile(folder + "/id"));
  if (!text) return std::optional<Uuid>();
  std::string_view written = *text;
  if (written.ends_with('\n')) written.remove_suffix(1);
  const absl::StatusOr<Uuid> id = Uuid::Parse(written);
  if (!id.ok()) return absl::DataLossError("key store: the folder's id is damaged");
  return std::optional(*id);
}

absl::StatusOr<Uuid> FolderKeyStore::Id() {
  TM_ASSIGN_OR_RETURN(const std::optional<Uuid> id, ReadId(folder_));
  if (!id) return KeyIsMissing("the folder's id");
  return *id;
}

absl::StatusOr<std::string> FolderKeyStore::ReceiptKeyPem() {
  return SealedFile(folder_ + "/receipt.pem", KeyPurpose("receipt-key", ""),
                    SigningKey::GenerateEd25519().ExportPem());
}

absl::StatusOr<uint64_t> FolderKeyStore::ReadNumber(const char* name) const {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                      ReadKeyFile(fmt::format("{}/{}", folder_, name)));
  if (!text) return uint64_t{0};
  uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec != std::errc() || std::string_view(parsed.ptr, end) != "\n") {
    return absl::DataLossError(fmt::format("key store: {} is no number", name));
  }
  return number;
}

absl::StatusOr<RestoreMark> FolderKeyStore::ReadRestoreMark() {
  RestoreMark mark;
  TM_ASSIGN_OR_RETURN(mark.generation, ReadNumber(kGenerationFile));
  TM_ASSIGN_OR_RETURN(mark.heartbeat, ReadNumber(kHeartbeatFile));
  return mark;
}

absl::Status FolderKeyStore::RaiseRestoreMark(const RestoreMark& mark) {
  TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder_));
  TM_ASSIGN_OR_RETURN(const RestoreMark current, ReadRestoreMark());
  const std::pair<const char*, uint64_t> raised[] = {
      {mark.generation > current.generation ? kGenerationFile : nullptr, mark.generation},
      {mark.heartbeat > current.heartbeat ? kHeartbeatFile : nullptr, mark.heartbeat}};
  for (const auto& [name, number] : raised) {
    if (name == nullptr) continue;
    TM_RETURN_IF_ERROR(
        ReplaceKeyFile(fmt::format("{}/{}", folder_, name), fmt::format("{}\n", number)));
  }
  return absl::OkStatus();
}

// Everything that the key-encryption key seals. What is missing is left to who needs it.
absl::StatusOr<std::vector<FolderKeyStore::Sealed>> FolderKeyStore::ListSealed() const {
  std::vector<Sealed> all = {{folder_ + "/kek.check", KeyPurpose("check", ""), ""},
                             {folder_ + "/receipt.pem", KeyPurpose("receipt-key", ""), ""}};
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> services, ListFolder(folder_ + "/service"));
  for (const std::string& name : services) {
    if (!CheckServiceKeyName(name).ok()) continue;
    all.push_back(
        {fmt::format("{}/service/{}", folder_, name), KeyPurpose("service-key", name), ""});
  }
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> shards, ListFolder(folder_ + "/participants"));
  for (const std::string& shard : shards) {
    TM_ASSIGN_OR_RETURN(const std::vector<std::string> people,
                        ListFolder(fmt::format("{}/participants/{}", folder_, shard)));
    for (const std::string& name : people) {
      const absl::StatusOr<ParticipantId> participant = ParticipantId::Parse(name);
      if (!participant.ok()) continue;
      all.push_back(
          {KeyPath(*participant), ParticipantKeyPurpose(*participant), MarkerPath(*participant)});
    }
  }
  return all;
}

// Whether it was another key's. The look at the marker and the write are one step for whoever
// destroys the key.
absl::StatusOr<bool> FolderKeyStore::WrapAnew(const Kek& kek, const Sealed& sealed) const {
  const std::string prefix = WrappedPrefix(kek);
  TM_ASSIGN_OR_RETURN(std::optional<std::string> wrapped, ReadKeyFile(sealed.path));
  if (!wrapped || wrapped->starts_with(prefix)) return false;
  TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder_));
  TM_RETURN_IF_ERROR(DestroyLeftOvers(FolderOf(sealed.path)));
  if (!sealed.marker.empty()) {
    TM_ASSIGN_OR_RETURN(const bool destroyed, KeyFileExists(sealed.marker));
    if (destroyed) return false;  // whoever destroys it removes the file
  }
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> plain,
                      OpenSealed(sealed.path, sealed.purpose));
  if (!plain) return false;
  TM_RETURN_IF_ERROR(ReplaceKeyFile(sealed.path, WrapKey(kek, sealed.purpose, *plain)));
  return true;
}

absl::StatusOr<uint64_t> FolderKeyStore::WrapAllAnew(const Kek& kek, absl::Status& damage) const {
  TM_ASSIGN_OR_RETURN(const std::vector<Sealed> all, ListSealed());
  uint64_t wrapped = 0;
  for (const Sealed& sealed : all) {
    const absl::StatusOr<bool> changed = WrapAnew(kek, sealed);
    if (absl::IsDataLoss(changed.status())) {
      damage = changed.status();
      continue;
    }
    if (!changed.ok()) return changed.status();
    wrapped += *changed ? 1 : 0;
  }
  return wrapped;
}

// The old keys leave the file only after a pass over everything that found nothing of theirs.
absl::StatusOr<uint64_t> FolderKeyStore::RotateKeyEncryptionKey() {
  TM_ASSIGN_OR_RETURN(const auto rotation, FolderLock::TryTake(folder_, "rotation"));
  if (!rotation) return AnotherRotates();
  std::optional<Kek> newest;
  {
    TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder_));
    TM_ASSIGN_OR_RETURN(newest, kek_->BeginRotation());
  }
  uint64_t wrapped = 0;
  for (int pass = 0; pass < kRotationPassesMax; ++pass) {
    absl::Status damage;
    TM_ASSIGN_OR_RETURN(const uint64_t of_pass, WrapAllAnew(*newest, damage));
    wrapped += of_pass;
    if (!damage.ok()) return KeysDoNotOpen(damage);
    if (of_pass > 0) continue;
    TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder_));
    TM_RETURN_IF_ERROR(kek_->EndRotation(*newest));
    return wrapped;
  }
  return absl::AbortedError("key store: keys kept changing; rotate again");
}

// What others may do with a file or folder; nothing if all is well or it is not there.
std::string ExposureOf(const std::string& path, std::string_view name) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return "";
  if ((info.st_mode & 0077) != 0) {
    return fmt::format(
        "{} is open to others than its owner (mode {:04o}): take it from them with "
        "chmod go= ",
        name, info.st_mode & 07777);
  }
  if (info.st_uid != geteuid()) return fmt::format("{} belongs to another user", name);
  return "";
}

absl::StatusOr<KeyStoreFacts> FolderKeyStore::Inspect() {
  TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
  KeyStoreFacts facts;
  facts.keks = keks.size();
  facts.exposure = ExposureOf(folder_, "the folder of keys");
  if (facts.exposure.empty()) facts.exposure = ExposureOf(kek_->path(), "the key-encryption key");
  facts.kek_is_beside_keys = FolderOf(kek_->path()) == folder_;
  return facts;
}

// Only in the older form or this one, by a key of the file.
absl::Status CheckKek(const std::string& path, KekFile& kek) {
  const std::string purpose = KeyPurpose("check", "");
  TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(path));
  if (!exists) {
    TM_ASSIGN_OR_RETURN(const KekRing keks, kek.Read());
    TM_RETURN_IF_ERROR(
        WriteKeyFileOnce(path, WrapKey(keks.newest(), purpose, kCheckText)).status());
  }
  const auto opened = kek.Unwrap(purpose, [&] { return ReadKeyFile(path); });
  if (absl::IsUnavailable(opened.status())) return opened.status();
  if (!opened.ok() || *opened != kCheckText) {
    return absl::FailedPreconditionError(
        "key store: the key-encryption key is not the one this folder was made with");
  }
  return absl::OkStatus();
}

absl::Status NotTheFolder(const std::string& folder, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format(
      "key store: {} {}. What is stored cannot be read without its keys: mount the folder of keys "
      "that belongs to this database, or restore it from its backup. Nothing was changed",
      folder, why));
}

// Before anything is made in the folder: one that is not mounted looks like an empty one.
absl::Status CheckIsMeant(const FolderKeyStoreOptions& options, bool used_before) {
  TM_ASSIGN_OR_RETURN(const std::optional<Uuid> id, ReadId(options.folder));
  if (options.id && !id) {
    return NotTheFolder(options.folder, used_before ? "is older than the database's keys"
                                                    : "holds no keys, but the database needs some");
  }
  if (options.id && *id != *options.id) {
    return NotTheFolder(options.folder, fmt::format("holds the keys of another database (id {}, "
                                                    "the database has {})",
                                                    id->ToString(), options.id->ToString()));
  }
  if (options.must_exist && !used_before) {
    return NotTheFolder(options.folder, "holds no keys, but the database was used before");
  }
  return absl::OkStatus();
}

// Traces of an earlier use; any one suffices, because files may be lost singly.
absl::StatusOr<bool> WasUsedBefore(const std::string& folder) {
  for (const char* name : {"/kek.check", "/id", "/receipt.pem"}) {
    TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(folder + name));
    if (exists) return true;
  }
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> people, ListFolder(folder + "/participants"));
  return !people.empty();
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyStore>> OpenFolderKeyStore(const FolderKeyStoreOptions& options) {
  const std::string& folder = options.folder;
  if (folder.empty()) return absl::InvalidArgumentError("key store: no folder given");
  TM_ASSIGN_OR_RETURN(const bool used_before, WasUsedBefore(folder));
  TM_RETURN_IF_ERROR(CheckIsMeant(options, used_before));
  TM_RETURN_IF_ERROR(MakeFolder(folder));
  const std::string kek_path = options.kek_path.empty() ? folder + "/kek" : options.kek_path;
  // A folder that was used before keeps its key: one that is missing is never made anew, because
  // what it wraps would be lost without a word.
  TM_ASSIGN_OR_RETURN(std::unique_ptr<KekFile> kek, KekFile::Open(kek_path, !used_before));
  TM_RETURN_IF_ERROR(CheckKek(folder + "/kek.check", *kek));
  TM_RETURN_IF_ERROR(
      WriteKeyFileOnce(folder + "/id", Uuid::MakeRandom().ToString() + "\n").status());
  TM_RETURN_IF_ERROR(MakeFolder(folder + "/service"));
  TM_RETURN_IF_ERROR(MakeFolder(folder + "/participants"));
  return std::make_unique<FolderKeyStore>(options, std::move(kek));
}

}  // namespace tidemark::store
