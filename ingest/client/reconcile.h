// What the server's knowledge of an outbox and the outbox itself say about each other.
#pragma once

#include <cstdint>
#include <vector>

#include "ingest/client/outbox.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::ingest {

// Numbers begin <= n < end.
struct Numbers {
  uint64_t begin = 0;
  uint64_t end = 0;
  friend bool operator==(const Numbers&, const Numbers&) = default;
};

struct Reconciliation {
  // The server has numbers that this outbox believes it never used: it was restored from a copy,
  // and must number new chunks as a new writer.
  bool restored = false;
  // The server's lists were cut: so many runs of numbers slow it down, and it takes only so many.
  // New chunks are better numbered by a new writer.
  bool scattered = false;
  // Used here, not settled there, and without a body: they will never be sent. Empty when the
  // server's lists were cut, or after a restore, when another copy may still hold the bodies.
  std::vector<Numbers> lost;
};

// `server` is null when the server never heard of the writer.
Reconciliation Reconcile(const OutboxWriter& outbox, const v1::WriterState* server);

}  // namespace tidemark::ingest
