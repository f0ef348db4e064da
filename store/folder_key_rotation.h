// What a rotation (store/key_rotation.h) asks of a folder of keys.
#pragma once

#include <string>
#include <vector>

#include "store/folder_key_layout.h"
#include "store/key_rotation.h"

namespace tidemark::store {

// A batch is a shard of the folder, or the keys of the installation: what is listed at a time is a
// 256th of all participants. Each file is replaced alone and as a whole. The caller keeps other
// rotations out.
class FolderRotationStore final : public RotationStore {
 public:
  // `layout` outlives this.
  explicit FolderRotationStore(const FolderKeyLayout& layout) : layout_(layout) {}

  absl::Status Alone(absl::FunctionRef<absl::Status()> step) override;
  absl::StatusOr<WrappedKeyBatch> ListOthers(const std::string& prefix,
                                             const std::string& cursor) override;
  absl::StatusOr<uint64_t> Exchange(const std::vector<RewrappedKey>& keys,
                                    absl::FunctionRef<absl::Status()> is_current) override;

 private:
  absl::Status ListInstallation(const std::string& prefix, std::vector<WrappedKey>& keys) const;
  absl::Status ListShard(const std::string& prefix, const std::string& shard,
                         std::vector<WrappedKey>& keys) const;
  absl::StatusOr<bool> ExchangeOne(const RewrappedKey& key) const;

  const FolderKeyLayout& layout_;
};

}  // namespace tidemark::store
