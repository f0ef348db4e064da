// An upload message on its way through admission and commit.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest/chunk.h"
#include "tidemark/v1/chunk.pb.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

// Called exactly once for a message that was taken: with receipts for all of its envelopes, in no
// particular order of statements to be relied on, or with a status: then it is undecided. Runs on a
// thread of ingest and must return soon.
using ReceiptCallback = std::function<void(absl::StatusOr<v1::ReceiptBatch>)>;

struct Submission {
  Sender sender;
  std::vector<v1::ChunkEnvelope> envelopes;  // 1 to kChunksPerMessageMax
  ReceiptCallback done;
};

// A submission after admission.
struct AdmittedMessage {
  Sender sender;
  std::vector<Decision> decisions;
  std::vector<std::optional<Verdict>> verdicts;  // of the decisions, in order
  ReceiptCallback done;
  size_t weight = 0;  // for queues: bytes held, and something per chunk
};
using AdmittedMessagePtr = std::unique_ptr<AdmittedMessage>;

}  // namespace tidemark::ingest
