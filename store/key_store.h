// Where keys live: outside PostgreSQL and its backups.
//
//   key-encryption key (file) ─wraps─► participant key ─wraps─► data keys
//
// A data key belongs to (participant, stream, UTC day of arrival); one more per participant, with
// the zero stream and day 0, seals text and audit bodies; those with the zero stream and the day of
// arrival seal what was set aside (docs/adr/0012). Destroying a participant's key makes
// everything of that participant unreadable, in every backup of the database too.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

// Where the databases of this store should be: one that is behind was restored from a backup. It
// stands here because a restored database must not bring back an old one.
struct RestoreMark {
  uint64_t generation = 0;  // see ReceiptStatement.restore_generation
  uint64_t heartbeat = 0;   // grows while servers run

  friend auto operator<=>(const RestoreMark&, const RestoreMark&) = default;
};

// How well the keys themselves are kept.
struct KeyStoreFacts {
  bool is_database = false;
  // How others than the server could come at the keys: wrong modes or owners; empty if they cannot.
  std::string exposure;
  bool kek_is_beside_keys = false;
  size_t keks = 1;  // more than one: a rotation has not ended
};

// Thread-safe. Several servers may share one store.
//
// A key that was destroyed left a mark; one that is merely gone did not. Only the first reads as
// erased: a folder that was lost, cut or not mounted is a fault, and nothing is made in its place.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  // Says which store this is: a database belongs to one. Asks the store each time, so that one that
  // was exchanged or is gone is noticed.
  //   DATA_LOSS    the store has lost its identity
  //   UNAVAILABLE  the store cannot be read
  virtual absl::StatusOr<Uuid> Id() = 0;

  // The newest key of that day, made durable first if there was none.
  //   FAILED_PRECONDITION  the participant's key was destroyed
  //   DATA_LOSS            a key that was made is missing or damaged
  //   UNAVAILABLE          the store cannot be read or written
  virtual absl::StatusOr<DataKey> KeyForWriting(ParticipantId participant, StreamId stream,
                                                int32_t utc_day) = 0;
  // The key that sealed something stored.
  //   NOT_FOUND  it was destroyed: what it sealed is erased
  //   DATA_LOSS  it is missing or damaged
  virtual absl::StatusOr<DataKey> Find(ParticipantId participant, const DataKeyName& name) = 0;

  // Destroys the participant's key and with it all data keys. Idempotent.
  virtual absl::Status DestroyParticipant(ParticipantId participant) = 0;
  // Destroys one data key. Its name is never used again: the next one of that day has a higher
  // generation. Idempotent. Whoever was given the key before may still seal with it: the caller
  // keeps writers of the stream out.
  virtual absl::Status DestroyDataKey(ParticipantId participant, const DataKeyName& name) = 0;

  // A 32-byte key of the installation, made on first use and shared by all servers: "page-token",
  // "request-memory", "challenge". Kept in memory: this is asked for at every call.
  virtual absl::StatusOr<std::string> ServiceKey(std::string_view name) = 0;

  // The PEM of the Ed25519 key that signs receipts, made on first use.
  virtual absl::StatusOr<std::string> ReceiptKeyPem() = 0;

  // Zeroes at first.
  virtual absl::StatusOr<RestoreMark> ReadRestoreMark() = 0;
  // Raises each number to at least that of `mark`; neither ever shrinks.
  virtual absl::Status RaiseRestoreMark(const RestoreMark& mark) = 0;

  // Makes a new key-encryption key, wraps by it all that the old ones wrap, and only then forgets
  // those. One that was cut off goes on: where the file holds several keys already, the newest of
  // them is the new one. Other servers follow by themselves. Returns how many keys were wrapped
  // anew (docs/adr/0014).
  //   ABORTED              another server rotates just now
  //   FAILED_PRECONDITION  the file of the key-encryption key cannot be written; the text says what
  //                        to do
  //   DATA_LOSS            a key could not be opened, and the old key-encryption keys stay for it;
  //                        all others are done
  //   UNAVAILABLE          the store cannot be read or written
  virtual absl::StatusOr<uint64_t> RotateKeyEncryptionKey() = 0;

  virtual absl::StatusOr<KeyStoreFacts> Inspect() = 0;
};

// Keys in a folder, one file each, synced before use; mode 0700. The key-encryption key is
// `folder`/kek unless `kek_path` names another file (store/kek_ring.h has its form); it is made
// when the folder is new. Keeps at most `cached_keys_max` unwrapped data keys in memory.
struct FolderKeyStoreOptions {
  std::string folder;
  std::string kek_path = {};
  size_t cached_keys_max = 65'536;
  // What the database knows: which store it belongs to, and whether it was used with one at all.
  // A folder that is another one, or new while there must be an old one, is refused and left as it
  // is.
  std::optional<Uuid> id = std::nullopt;
  bool must_exist = false;
  // Whether the database holds anything that a participant's key has sealed. Asked before such a
  // key is made, which is once in a participant's life; then a key of which the folder shows no
  // trace is known to be missing.
  std::function<absl::StatusOr<bool>(ParticipantId)> has_sealed_data = {};
};
//   FAILED_PRECONDITION  the folder is not the one that is meant, or its key-encryption key is
//                        missing or wrong
//   UNAVAILABLE          the folder cannot be read or written
absl::StatusOr<std::unique_ptr<KeyStore>> OpenFolderKeyStore(const FolderKeyStoreOptions& options);

}  // namespace tidemark::store
