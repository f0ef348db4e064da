// How a database that was restored from a backup is noticed (docs/adr/0015).
//
// A heartbeat grows while servers run: in the database first, then in the key store. A database
// that is behind the key store lost what was committed after that beat, and with it the word of
// receipts. Restoring to a moment after the last beat leaves no trace; an operator says so.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/pool.h"
#include "base/db/transaction.h"
#include "store/key_store.h"

namespace tidemark::study {

// Raises the heartbeat of the database, then brings the key store up to it. The pool is tm_app's.
// Returns the mark of both. A key store that is behind, because a server died between the two
// steps, is brought up as well.
//   FAILED_PRECONDITION  the database is behind the key store: neither was changed
//   UNAVAILABLE          one of them cannot be reached
absl::StatusOr<store::RestoreMark> Beat(db::Pool& pool, store::KeyStore& keys, absl::Time deadline);

// The mark of the database.
absl::StatusOr<store::RestoreMark> ReadRestoreMark(db::Pool& pool, absl::Time deadline);

// The same, kept as it is until the transaction ends. DATA_LOSS without one.
absl::StatusOr<store::RestoreMark> LockRestoreMark(db::Transaction& tx);

// Whether a database with the first mark was restored from a backup, by the key store's mark.
bool IsBehind(const store::RestoreMark& database, const store::RestoreMark& keys);

}  // namespace tidemark::study
