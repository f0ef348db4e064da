#include "store/folder_key_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "store/folder_key_rotation.h"
#include "store/key_files.h"
#include "store/key_purposes.h"

namespace tidemark::store {
namespace {

// Stands for "the newest generation" in names of cached keys only.
constexpr uint32_t kNewestGeneration = UINT32_MAX;

absl::StatusOr<uint64_t> ReadNumberFile(const std::string& path) {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadKeyFile(path));
  if (!text) return uint64_t{0};
  uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec != std::errc() || std::string_view(parsed.ptr, end) != "\n") {
    return absl::DataLossError(
        fmt::format("key store: {} is no number", path.substr(path.find_last_of('/') + 1)));
  }
  return number;
}

}  // namespace

FolderKeyStore::FolderKeyStore(const FolderKeyStoreOptions& options, std::unique_ptr<KekFile> kek)
    : layout_(options.folder),
      kek_(std::move(kek)),
      has_sealed_data_(options.has_sealed_data),
      cache_(std::max<size_t>(options.cached_keys_max, 1)) {}

// Files -------------------------------------------------------------------------------------------

absl::StatusOr<bool> FolderKeyStore::IsDestroyed(ParticipantId participant) const {
  return KeyFileExists(layout_.ParticipantMark(participant));
}

absl::Status FolderKeyStore::MakeParticipantFolder(ParticipantId participant) const {
  TM_RETURN_IF_ERROR(MakeFolder(layout_.Shard(participant)));
  return MakeFolder(layout_.Of(participant));
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
  TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(layout_.ParticipantKey(participant)));
  if (!exists) TM_RETURN_IF_ERROR(CheckNeverMade(participant));
  return SealedFile(layout_.ParticipantKey(participant), ParticipantKeyPurpose(participant),
                    RandomBytes(kAesKeyBytes));
}

// A participant whose first key is just being made by another server may look like one whose key is
// missing: the look at the file comes after the look at what depends on it.
absl::Status FolderKeyStore::CheckNeverMade(ParticipantId participant) const {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(layout_.Of(participant)));
  bool was_made = std::any_of(names.begin(), names.end(),
                              [](const std::string& name) { return StreamId::Parse(name).ok(); });
  if (!was_made && has_sealed_data_) {
    TM_ASSIGN_OR_RETURN(was_made, has_sealed_data_(participant));
  }
  if (!was_made) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(layout_.ParticipantKey(participant)));
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
    TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(layout_.folder()));
    TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
    TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, WrapKey(keks.newest(), purpose, fresh)).status());
  }
  TM_ASSIGN_OR_RETURN(plain, OpenSealed(path, purpose));
  if (!plain) return absl::UnavailableError("key store: a key vanished");
  return *std::move(plain);
}

// Data keys ---------------------------------------------------------------------------------------

// The newest one there is; above it if that one was destroyed.
absl::StatusOr<uint32_t> FolderKeyStore::GenerationForWriting(ParticipantId participant,
                                                              StreamId stream,
                                                              int32_t utc_day) const {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      ListFolder(layout_.Of(participant, stream)));
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
  TM_RETURN_IF_ERROR(MakeParticipantFolder(participant));
  // Before the folder of the stream, which says that there was a key.
  TM_ASSIGN_OR_RETURN(const std::string participant_key, ParticipantKeyForWriting(participant));
  TM_RETURN_IF_ERROR(MakeFolder(layout_.Of(participant, stream)));
  DataKeyName name{.stream_id = stream, .utc_day = utc_day};
  TM_ASSIGN_OR_RETURN(name.generation, GenerationForWriting(participant, stream, utc_day));
  const std::string path = layout_.DataKey(participant, name);
  const std::string sealed =
      AesGcmSeal(participant_key, DataKeyPurpose(participant, name), RandomBytes(kAesKeyBytes));
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, sealed).status());
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) {
    TM_RETURN_IF_ERROR(DestroyKeyFile(layout_.ParticipantKey(participant)));
    TM_RETURN_IF_ERROR(DestroyKeyFile(path));
    return ParticipantIsDestroyed();
  }
  return ReadDataKey(participant, name);
}

absl::StatusOr<DataKey> FolderKeyStore::ReadDataKey(ParticipantId participant,
                                                    const DataKeyName& name) const {
  TM_ASSIGN_OR_RETURN(
      const std::optional<std::string> participant_key,
      OpenSealed(layout_.ParticipantKey(participant), ParticipantKeyPurpose(participant)));
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> sealed,
                      ReadKeyFile(layout_.DataKey(participant, name)));
  if (!participant_key || !sealed) {
    // Looked for last: destroying leaves its mark before it removes anything.
    TM_ASSIGN_OR_RETURN(const bool participant_destroyed, IsDestroyed(participant));
    TM_ASSIGN_OR_RETURN(const bool destroyed,
                        KeyFileExists(layout_.DataKeyMark(participant, name)));
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
  TM_ASSIGN_OR_RETURN(const bool has_participant_key,
                      KeyFileExists(layout_.ParticipantKey(participant)));
  if (!has_participant_key) return false;
  return KeyFileExists(layout_.DataKey(participant, name));
}

// Another process may have destroyed the key meanwhile, and what is sealed with a key that is gone
// from the disk is lost at the next start: the files are looked for every time.
absl::StatusOr<DataKey> FolderKeyStore::KeyForWriting(ParticipantId participant, StreamId stream,
                                                      int32_t utc_day) {
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsDestroyed(participant));
  if (destroyed) return ParticipantIsDestroyed();
  const CacheKey cache_key{participant, {stream, utc_day, kNewestGeneration}};
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
  TM_RETURN_IF_ERROR(MakeParticipantFolder(participant));
  TM_RETURN_IF_ERROR(MakeFolder(layout_.Of(participant, name.stream_id)));
  // The mark first, as for a participant.
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(layout_.DataKeyMark(participant, name), "").status());
  Forget(CacheKey{participant, name});
  return DestroyKeyFile(layout_.DataKey(participant, name));
}

// Under the lock of those who wrap keys: a rotation must not put back what is removed here.
absl::Status FolderKeyStore::DestroyParticipant(ParticipantId participant) {
  TM_RETURN_IF_ERROR(MakeParticipantFolder(participant));
  TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(layout_.folder()));
  // The marker first: from here on nobody makes a key again, and the rest may be repeated.
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(layout_.ParticipantMark(participant), "").status());
  Forget(participant);
  TM_RETURN_IF_ERROR(DestroyKeyFile(layout_.ParticipantKey(participant)));
  TM_RETURN_IF_ERROR(DestroyLeftOvers(layout_.Of(participant)));
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(layout_.Of(participant)));
  for (const std::string& name : names) {
    const absl::StatusOr<StreamId> stream = StreamId::Parse(name);
    if (!stream.ok()) continue;
    const std::string folder = layout_.Of(participant, *stream);
    TM_ASSIGN_OR_RETURN(const std::vector<std::string> keys, ListFolder(folder));
    for (const std::string& key : keys) TM_RETURN_IF_ERROR(DestroyKeyFile(folder + "/" + key));
  }
  return absl::OkStatus();
}

// Keys in memory ----------------------------------------------------------------------------------

size_t FolderKeyStore::CacheKeyHash::operator()(const CacheKey& key) const {
  const auto numbers =
      uint64_t{static_cast<uint32_t>(key.name.utc_day)} << 32 | uint64_t{key.name.generation};
  const size_t ids = std::hash<ParticipantId>{}(key.participant_id) * 31 +
                     std::hash<StreamId>{}(key.name.stream_id);
  return ids ^ static_cast<size_t>(numbers * 0x9E3779B97F4A7C15ull);
}

std::optional<DataKey> FolderKeyStore::Cached(const CacheKey& key) {
  MutexLock lock(mutex_);
  const DataKey* const found = cache_.Find(key);
  return found == nullptr ? std::nullopt : std::optional<DataKey>(*found);
}

void FolderKeyStore::Remember(const CacheKey& key, const DataKey& value) {
  MutexLock lock(mutex_);
  cache_.Put(key, value);
}

void FolderKeyStore::Forget(const CacheKey& key) {
  MutexLock lock(mutex_);
  cache_.EraseIf([&](const CacheKey& each) { return each == key; });
}

void FolderKeyStore::Forget(ParticipantId participant) {
  MutexLock lock(mutex_);
  cache_.EraseIf([&](const CacheKey& key) { return key.participant_id == participant; });
}

// Keys and numbers of the installation ------------------------------------------------------------

absl::StatusOr<std::string> FolderKeyStore::ServiceKey(std::string_view name) {
  return service_keys_.Get(name, [&] {
    return SealedFile(layout_.Service(name), KeyPurpose("service-key", name),
                      RandomBytes(kAesKeyBytes));
  });
}

absl::StatusOr<std::string> FolderKeyStore::ReceiptKeyPem() {
  return SealedFile(layout_.ReceiptPem(), KeyPurpose("receipt-key", ""),
                    SigningKey::GenerateEd25519().ExportPem());
}

absl::StatusOr<Uuid> FolderKeyStore::Id() {
  TM_ASSIGN_OR_RETURN(const std::optional<Uuid> id, ReadFolderId(layout_));
  if (!id) return KeyIsMissing("the folder's id");
  return *id;
}

absl::StatusOr<RestoreMark> FolderKeyStore::ReadRestoreMark() {
  RestoreMark mark;
  TM_ASSIGN_OR_RETURN(mark.generation, ReadNumberFile(layout_.RestoreGeneration()));
  TM_ASSIGN_OR_RETURN(mark.heartbeat, ReadNumberFile(layout_.Heartbeat()));
  return mark;
}

absl::Status FolderKeyStore::RaiseRestoreMark(const RestoreMark& mark) {
  TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(layout_.folder()));
  TM_ASSIGN_OR_RETURN(const RestoreMark current, ReadRestoreMark());
  const auto raise = [](const std::string& path, uint64_t from, uint64_t to) {
    return to > from ? ReplaceKeyFile(path, fmt::format("{}\n", to)) : absl::OkStatus();
  };
  TM_RETURN_IF_ERROR(raise(layout_.RestoreGeneration(), current.generation, mark.generation));
  return raise(layout_.Heartbeat(), current.heartbeat, mark.heartbeat);
}

absl::StatusOr<uint64_t> FolderKeyStore::RotateKeyEncryptionKey() {
  TM_ASSIGN_OR_RETURN(const auto alone, FolderLock::TryTake(layout_.folder(), kKeyRotationLock));
  if (!alone) return AnotherRotates();
  FolderRotationStore files(layout_);
  return store::RotateKeyEncryptionKey(*kek_, files);
}

absl::StatusOr<KeyStoreFacts> FolderKeyStore::Inspect() {
  TM_ASSIGN_OR_RETURN(const KekRing keks, kek_->Read());
  KeyStoreFacts facts;
  facts.keks = keks.size();
  facts.exposure = ExposureOf(layout_.folder(), "the folder of keys");
  if (facts.exposure.empty()) facts.exposure = ExposureOf(kek_->path(), "the key-encryption key");
  facts.kek_is_beside_keys = FolderOf(kek_->path()) == layout_.folder();
  return facts;
}

}  // namespace tidemark::store
