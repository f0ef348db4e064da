// Takes chunks from the queue and makes them ready to travel.
#pragma once

#include <optional>

#include "base/clock.h"
#include "ingest/client/chunk_queue.h"
#include "ingest/client/receipt_desk.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::ingest {

struct PreparedChunk {
  ChunkRef ref;
  Sha256Digest sha256{};
  size_t body_bytes = 0;
  v1::ChunkEnvelope envelope;
};

// Not thread-safe. Holds at most one chunk in memory beside the one it hands out.
class EnvelopeSource {
 public:
  EnvelopeSource(const Outbox& outbox, ChunkQueue& queue, ReceiptDesk& desk, const Clock& clock,
                 bool compress)
      : outbox_(outbox), queue_(queue), desk_(desk), clock_(clock), compress_(compress) {}
  // What was looked at and not taken goes back into the queue.
  ~EnvelopeSource();

  // The next chunk that may go now, without taking it; null when there is none. Bodies that are
  // damaged on disk are put aside on the way; one that cannot be read is passed over, so that it
  // keeps none of the others back.
  const PreparedChunk* Peek();
  // Takes the chunk of the last Peek(): it is in flight.
  PreparedChunk Take();

 private:
  const Outbox& outbox_;
  ChunkQueue& queue_;
  ReceiptDesk& desk_;
  const Clock& clock_;
  const bool compress_;
  std::optional<PreparedChunk> next_;
};

}  // namespace tidemark::ingest
