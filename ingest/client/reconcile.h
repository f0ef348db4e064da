// What the server's knowledge of an outbox and the outbox itself say about each other.
#pragma once

#include <cstdint>
#include <optional>
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
  // Hold what was used here, is not settled there, and has no body: it will never be sent. Numbers
  // between them that are settled may be in there, too, so that few calls give up many gaps; those
  // that wait to be sent never are. Empty after a restore, when another copy may still hold bodies.
  std::vector<Numbers> lost;
  uint64_t lost_numbers = 0;  // without those that are settled
  // The lists were cut, and there may be more of them: ask again once these, and what waits to be
  // sent, are settled.
  bool more = false;
  // The newest number has no body, and cut lists do not show whether it is settled. Once it is for
  // certain (to abandon it is right either way), whatever is missing lies below it and is listed.
  std::optional<uint64_t> unseen_newest;
};

// `server` is null when the server never heard of the writer.
Reconciliation Reconcile(const OutboxWriter& outbox, const v1::WriterState* server);

}  // namespace tidemark::ingest
