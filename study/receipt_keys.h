// The public halves of the keys that sign receipts, and whether this database may be written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/pool.h"
#include "store/key_store.h"
#include "tidemark/v1/server.pb.h"

namespace tidemark::study {

// The name of a receipt key: the first 16 hexadecimal digits of the SHA-256 of its public half.
std::string ReceiptKeyId(std::string_view public_key);

// Makes the public half of the key store's receipt key known before anything is signed with it, and
// returns its id. Idempotent.
absl::StatusOr<std::string> RegisterReceiptKey(db::Pool& pool, store::KeyStore& keys,
                                               const Clock& clock, absl::Time deadline);

// All keys there ever were, oldest first.
absl::StatusOr<std::vector<v1::ReceiptKey>> ListReceiptKeys(db::Pool& pool, absl::Time deadline);

// The restore generation that the database carries. A database below KeyStore::RestoreGeneration()
// was restored from a backup: it takes no ingest.
absl::StatusOr<uint64_t> DatabaseGeneration(db::Pool& pool, absl::Time deadline);

}  // namespace tidemark::study
