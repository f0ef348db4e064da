// Keys in a database of their own, in another cluster than what they seal.
//
// docs/adr/0015 says why, and what the site owes it: backups apart from those of the recordings,
// and short ones, because a destroyed key lives on in them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "store/key_store.h"

namespace tidemark::keys {

struct DatabaseKeyStoreOptions {
  std::string dsn;       // as tm_keys; migrated, which the caller has checked
  std::string kek_path;  // the key-encryption key is always a file; made when the store is new
  size_t connections_max = 4;
  absl::Duration patience = absl::Seconds(10);  // for one call, the wait for a connection included
  // As in store::FolderKeyStoreOptions.
  std::optional<Uuid> id = std::nullopt;
  bool must_exist = false;
  std::function<absl::StatusOr<bool>(ParticipantId)> has_sealed_data = {};
};

// Asks the database at every call and keeps no key of a participant in memory.
//   FAILED_PRECONDITION  it is not migrated, not the one that is meant, or its key-encryption key
//                        is missing or wrong
//   UNAVAILABLE          the database cannot be reached
absl::StatusOr<std::unique_ptr<store::KeyStore>> OpenDatabaseKeyStore(
    const DatabaseKeyStoreOptions& options);

// A database among all clusters.
struct DatabasePlace {
  std::string cluster;
  std::string database;
};
absl::StatusOr<DatabasePlace> PlaceOf(const std::string& dsn, absl::Time deadline);

}  // namespace tidemark::keys
