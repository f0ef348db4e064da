// The public keys that the server signs with.
#pragma once

#include "absl/status/statusor.h"
#include "cli/api.h"
#include "ingest/receipt_proof.h"

namespace tidemark::cli {

absl::StatusOr<ingest::ReceiptKeys> KeysOf(const v1::GetServerInfoResponse& info);
// As the server gives them now, with those that ended.
absl::StatusOr<ingest::ReceiptKeys> ServerKeys(const Api& api);

}  // namespace tidemark::cli
