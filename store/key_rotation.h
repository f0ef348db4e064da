// Exchanging the key-encryption key, in the same steps for every kind of key store
// (docs/adr/0014).
//
//   add the new key to the file ─► wrap batch after batch anew, until a pass over everything finds
//   nothing of the old keys ─► take the old keys out of the file
//
// No step depends on an earlier one having been seen to its end: a rotation that was cut off
// anywhere is gone on with by the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/kek_file.h"

namespace tidemark::store {

// A key as some key-encryption key has wrapped it.
struct WrappedKey {
  std::string place;  // tells it from the others of its store
  std::string purpose;
  std::string wrapped;
};

struct WrappedKeyBatch {
  std::vector<WrappedKey> keys;
  std::optional<std::string> next;  // where the next batch begins; nothing after the last one
};

// What takes the place of `before`.
struct RewrappedKey {
  std::string place;
  std::string before;
  std::string after;
};

// What a rotation asks of a key store.
class RotationStore {
 public:
  virtual ~RotationStore() = default;

  // Runs `step` while nobody wraps a key.
  virtual absl::Status Alone(absl::FunctionRef<absl::Status()> step) = 0;

  // Some keys that are there and do not begin with `prefix`, from `cursor` on ("" at first). The
  // size of a batch is bounded, whatever the number of participants.
  virtual absl::StatusOr<WrappedKeyBatch> ListOthers(const std::string& prefix,
                                                     const std::string& cursor) = 0;

  // Puts each in its place, durably, unless what stands there is not `before` any more: a key that
  // is destroyed meanwhile stays destroyed. `is_current` is asked while no rotation can begin or
  // end, and its error ends the exchange. Returns how many took their place.
  virtual absl::StatusOr<uint64_t> Exchange(const std::vector<RewrappedKey>& keys,
                                            absl::FunctionRef<absl::Status()> is_current) = 0;
};

// As KeyStore::RotateKeyEncryptionKey.
absl::StatusOr<uint64_t> RotateKeyEncryptionKey(KekFile& file, RotationStore& store);

}  // namespace tidemark::store
