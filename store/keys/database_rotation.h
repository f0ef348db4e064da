// What a rotation (store/key_rotation.h) asks of a database of keys.
#pragma once

#include <string>
#include <vector>

#include "store/key_rotation.h"
#include "store/keys/key_database.h"

namespace tidemark::keys {

// A batch is a page of rows, read in one short transaction and exchanged in another. Rotations of
// several servers may meet: they go to the same key, or one of them gives up.
class DatabaseRotationStore final : public store::RotationStore {
 public:
  // `database` outlives this.
  explicit DatabaseRotationStore(KeyDatabase& database) : database_(database) {}

  absl::Status Alone(absl::FunctionRef<absl::Status()> step) override;
  absl::StatusOr<store::WrappedKeyBatch> ListOthers(const std::string& prefix,
                                                    const std::string& cursor) override;
  absl::StatusOr<uint64_t> Exchange(const std::vector<store::RewrappedKey>& keys,
                                    absl::FunctionRef<absl::Status()> is_current) override;

 private:
  KeyDatabase& database_;
};

}  // namespace tidemark::keys
