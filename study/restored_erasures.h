// What a database that came back from a backup brought back although it had been erased since
// (docs/adr/0022).
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "study/context.h"

namespace tidemark::study {

struct BroughtBack {
  uint64_t participants = 0;  // whose erasure was entered again
  uint64_t chunks = 0;        // of others, that destroyed keys sealed, now marked as erased
};

// Compares every participant with the key store, which remembers what was destroyed. Whose own key
// is gone is erased again, as if `requested_by` had asked for it; where data keys are gone, because
// ranges were erased, the chunks that they sealed are marked. Both stand in the evidence of the
// study. Repeated, it finds nothing. Changes the scope of the transaction.
//   UNAVAILABLE  the key store cannot be asked
absl::StatusOr<BroughtBack> EraseAgain(db::Transaction& tx, const Context& context,
                                       PrincipalId requested_by);

}  // namespace tidemark::study
