#include "store/folder_key_rotation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/status_macros.h"
#include "store/key_files.h"
#include "store/key_purposes.h"

namespace tidemark::store {
namespace {

// Behind the keys of the installation; the shards follow by name.
constexpr std::string_view kFirstShard = ".";

// Adds what the file at `path` holds, unless it begins with `prefix`. What cannot be read as a key
// is added too: it will not open, and keeps the old key-encryption keys.
absl::Status AddIfOfOthers(const std::string& path, std::string purpose, const std::string& prefix,
                           std::vector<WrappedKey>& keys) {
  absl::StatusOr<std::optional<std::string>> wrapped = ReadKeyFile(path);
  if (absl::IsDataLoss(wrapped.status())) wrapped = std::optional<std::string>("");
  if (!wrapped.ok()) return wrapped.status();
  if (*wrapped && !(*wrapped)->starts_with(prefix)) {
    keys.push_back({path, std::move(purpose), **std::move(wrapped)});
  }
  return absl::OkStatus();
}

// Of a key of a participant the mark stands beside it; of others there is none.
absl::StatusOr<bool> IsMarkedDestroyed(const std::string& key_path) {
  return KeyFileExists(FolderOf(key_path) + "/destroyed");
}

}  // namespace

absl::Status FolderRotationStore::Alone(absl::FunctionRef<absl::Status()> step) {
  TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(layout_.folder()));
  return step();
}

absl::Status FolderRotationStore::ListInstallation(const std::string& prefix,
                                                   std::vector<WrappedKey>& keys) const {
  TM_RETURN_IF_ERROR(AddIfOfOthers(layout_.Check(), KeyPurpose("check", ""), prefix, keys));
  TM_RETURN_IF_ERROR(
      AddIfOfOthers(layout_.ReceiptPem(), KeyPurpose("receipt-key", ""), prefix, keys));
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> services, ListFolder(layout_.Services()));
  for (const std::string& name : services) {
    if (!CheckServiceKeyName(name).ok()) continue;
    TM_RETURN_IF_ERROR(
        AddIfOfOthers(layout_.Service(name), KeyPurpose("service-key", name), prefix, keys));
  }
  return absl::OkStatus();
}

// Whoever destroys a key sets the mark before touching the file, so that a file that was read while
// it went is known by the mark.
absl::Status FolderRotationStore::ListShard(const std::string& prefix, const std::string& shard,
                                            std::vector<WrappedKey>& keys) const {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> people,
                      ListFolder(fmt::format("{}/{}", layout_.Participants(), shard)));
  for (const std::string& name : people) {
    const absl::StatusOr<ParticipantId> participant = ParticipantId::Parse(name);
    if (!participant.ok()) continue;
    const std::string path = layout_.ParticipantKey(*participant);
    const size_t before = keys.size();
    TM_RETURN_IF_ERROR(AddIfOfOthers(path, ParticipantKeyPurpose(*participant), prefix, keys));
    if (keys.size() == before) continue;
    TM_ASSIGN_OR_RETURN(const bool destroyed, IsMarkedDestroyed(path));
    if (destroyed) keys.pop_back();
  }
  return absl::OkStatus();
}

absl::StatusOr<WrappedKeyBatch> FolderRotationStore::ListOthers(const std::string& prefix,
                                                                const std::string& cursor) {
  WrappedKeyBatch batch;
  if (cursor.empty()) {
    TM_RETURN_IF_ERROR(ListInstallation(prefix, batch.keys));
    batch.next.emplace(kFirstShard);
    return batch;
  }
  TM_ASSIGN_OR_RETURN(std::vector<std::string> shards, ListFolder(layout_.Participants()));
  std::sort(shards.begin(), shards.end());
  const auto shard = std::upper_bound(shards.begin(), shards.end(), cursor);
  if (shard == shards.end()) return batch;
  TM_RETURN_IF_ERROR(ListShard(prefix, *shard, batch.keys));
  batch.next = *shard;
  return batch;
}

// The look at the mark and the write are one step for whoever destroys the key.
absl::StatusOr<bool> FolderRotationStore::ExchangeOne(const RewrappedKey& key) const {
  TM_RETURN_IF_ERROR(DestroyLeftOvers(FolderOf(key.place)));
  TM_ASSIGN_OR_RETURN(const bool destroyed, IsMarkedDestroyed(key.place));
  if (destroyed) return false;  // whoever destroys it removes the file
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> now, ReadKeyFile(key.place));
  if (now != key.before) return false;
  TM_RETURN_IF_ERROR(ReplaceKeyFile(key.place, key.after));
  return true;
}

absl::StatusOr<uint64_t> FolderRotationStore::Exchange(
    const std::vector<RewrappedKey>& keys, absl::FunctionRef<absl::Status()> is_current) {
  uint64_t exchanged = 0;
  for (const RewrappedKey& key : keys) {
    // One at a time: writers wait for a file, not for a shard.
    TM_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(layout_.folder()));
    TM_RETURN_IF_ERROR(is_current());
    TM_ASSIGN_OR_RETURN(const bool changed, ExchangeOne(key));
    exchanged += changed ? 1 : 0;
  }
  return exchanged;
}

}  // namespace tidemark::store
