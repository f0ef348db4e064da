// Where keys live: outside PostgreSQL and its backups.
//
//   key-encryption key (file) ─wraps─► participant key ─wraps─► data keys
//
// A data key belongs to (participant, stream, UTC day of arrival); one more per participant, with
// the zero stream and day 0, seals text and audit bodies. Destroying a participant's key makes
// everything of that participant unreadable, in every backup of the database too.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"

namespace tidemark::store {

// Names a data key of a participant; 8 bytes of it travel in every envelope, the stream is known
// from the row.
struct DataKeyName {
  StreamId stream_id;       // zero: text and audit
  int32_t utc_day = 0;      // days since 1970-01-01 of arrival
  uint32_t generation = 0;  // grows when a range was erased and the survivors re-packed

  friend auto operator<=>(const DataKeyName&, const DataKeyName&) = default;
};

struct DataKey {
  DataKeyName name;
  std::string bytes;  // 32
};

// Thread-safe. Several servers may share one store.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  // The newest key of that day, made durable first if there was none.
  //   FAILED_PRECONDITION  the participant's key was destroyed
  //   UNAVAILABLE          the store cannot be read or written
  virtual absl::StatusOr<DataKey> KeyForWriting(ParticipantId participant, StreamId stream,
                                                int32_t utc_day) = 0;
  //   NOT_FOUND  never made, or destroyed: what it sealed is unreadable
  virtual absl::StatusOr<DataKey> Find(ParticipantId participant, const DataKeyName& name) = 0;

  // Destroys the participant's key and with it all data keys. Idempotent.
  virtual absl::Status DestroyParticipant(ParticipantId participant) = 0;

  // A 32-byte key of the installation, made on first use and shared by all servers: "page-token",
  // "request-memory", "challenge".
  virtual absl::StatusOr<std::string> ServiceKey(std::string_view name) = 0;

  // The PEM of the Ed25519 key that signs receipts, made on first use.
  virtual absl::StatusOr<std::string> ReceiptKeyPem() = 0;

  // See ReceiptStatement.restore_generation; 0 at first. Stands here because a restored database
  // must not bring back an old one.
  virtual absl::StatusOr<uint64_t> RestoreGeneration() = 0;
  virtual absl::Status SetRestoreGeneration(uint64_t generation) = 0;
};

// Keys in a folder, one file each, synced before use; mode 0700. The key-encryption key is
// `folder`/kek unless `kek_path` names another file (32 bytes, hexadecimal); it is made when the
// folder is new. Keeps at most `cached_keys_max` unwrapped data keys in memory.
struct FolderKeyStoreOptions {
  std::string folder;
  std::string kek_path = {};
  size_t cached_keys_max = 65'536;
};
absl::StatusOr<std::unique_ptr<KeyStore>> OpenFolderKeyStore(const FolderKeyStoreOptions& options);

}  // namespace tidemark::store
