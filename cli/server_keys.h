// The public keys that the server signs with.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/command.h"
#include "ingest/receipt_proof.h"

namespace tidemark::cli {

// As the server gives them now, with those that ended; or of a file that `tidemark doctor --json`
// once wrote, which whoever can change the database cannot add to.
absl::StatusOr<ingest::ReceiptKeys> KeysFrom(Context& context, const std::string& keys_file);

}  // namespace tidemark::cli
