// Checking receipts: what a device does before it believes one, and what anybody can do later.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/crypto.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

// What the server signs is this and the 32 bytes of the top root.
inline constexpr std::string_view kReceiptSignaturePrefix = "tidemark-receipt-v1";

// Public keys of the server by key id, from GetServerInfo.
using ReceiptKeys = std::map<std::string, VerifyKey, std::less<>>;

// What is signed for a top root.
std::string ReceiptSignedBytes(const Sha256Digest& top_root);

// The statements of a message, in its order, once every one of them is proven by the one signature.
//   NOT_FOUND  no key with that id
//   DATA_LOSS  the proof does not hold, or a statement cannot be read
absl::StatusOr<std::vector<v1::ReceiptStatement>> VerifyReceiptBatch(const v1::ReceiptBatch& batch,
                                                                     const ReceiptKeys& keys);

// The receipt of statement `index` with a proof of its own, to keep.
// INVALID_ARGUMENT if the message has no such statement.
absl::StatusOr<v1::Receipt> ToStandalone(const v1::ReceiptBatch& batch, int index);

// The statement of a kept receipt. Statuses as VerifyReceiptBatch.
absl::StatusOr<v1::ReceiptStatement> VerifyReceipt(const v1::Receipt& receipt,
                                                   const ReceiptKeys& keys);

}  // namespace tidemark::ingest
