// The public halves of the keys that sign receipts.
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

// How long a key may still sign after another one took over: the servers that share a key store are
// started again one by one.
inline constexpr absl::Duration kReceiptKeyOverlap = absl::Minutes(10);

// Makes the public half of the key store's receipt key known before anything is signed with it, and
// returns its id. Every other key that signed until now ends kReceiptKeyOverlap later, and stays
// listed. Idempotent; a key that is put back goes on.
absl::StatusOr<std::string> RegisterReceiptKey(db::Pool& pool, store::KeyStore& keys,
                                               const Clock& clock, absl::Time deadline);

// OK if the key `key_id` may sign until `until`.
//   FAILED_PRECONDITION  another key took over, or this one is unknown: the server that signs with
//                        it must be started again
absl::Status CheckReceiptKeyInForce(db::Pool& pool, const std::string& key_id, absl::Time until,
                                    absl::Time deadline);

// All keys there ever were, oldest first.
absl::StatusOr<std::vector<v1::ReceiptKey>> ListReceiptKeys(db::Pool& pool, absl::Time deadline);

}  // namespace tidemark::study
