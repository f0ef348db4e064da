// The key store and the database belong together.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/pool.h"
#include "base/ids.h"
#include "server/config.h"
#include "store/key_store.h"

namespace tidemark::server {

// Opens the folder that the database belongs to; at the first start of all it settles which one
// that is. `pool` runs the statements of this folder and outlives the store.
//   FAILED_PRECONDITION  the folder is another one, or new although the database was used before;
//                        the text says what to do, and nothing was changed
//   UNAVAILABLE          the folder or the database cannot be reached
absl::StatusOr<std::unique_ptr<store::KeyStore>> OpenKeyStore(store::FolderKeyStoreOptions options,
                                                              db::Pool* pool, absl::Time deadline);
// The same for whatever holds the keys by the configuration. A database of keys is refused where
// its backups would hold what it seals: in the database of the recordings, and in the same cluster
// unless --unsafe-durability says that this is a test.
absl::StatusOr<std::unique_ptr<store::KeyStore>> OpenKeyStore(const Config& config, db::Pool* pool,
                                                              absl::Time deadline);

// Whether `keys` is still the one that the database belongs to. FAILED_PRECONDITION, DATA_LOSS.
absl::Status CheckKeyStore(db::Pool& pool, store::KeyStore& keys, absl::Time deadline);

}  // namespace tidemark::server
