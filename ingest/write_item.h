// One decided envelope on its way through a commit.
#pragma once

#include <compare>
#include <optional>

#include "ingest/chunk.h"

namespace tidemark::ingest {

// Points into a message that is held until its receipts are out.
struct WriteItem {
  const Sender* sender = nullptr;
  Decision* decision = nullptr;               // has a key and no Verdict
  std::optional<Verdict>* verdict = nullptr;  // set once what it says is committed

  const ChunkKey& key() const { return *decision->key; }
  AdmittedChunk* chunk() const { return std::get_if<AdmittedChunk>(&decision->what); }
  bool is_set_aside() const { return std::holds_alternative<SetAside>(decision->what); }
  bool is_refused() const { return std::holds_alternative<Refusal>(decision->what); }
};

// The outbox of a device, within the database: what a row of stream_state is about.
struct OutboxId {
  ParticipantId participant_id;
  StreamId stream_id;
  WriterId writer_id;

  friend auto operator<=>(const OutboxId&, const OutboxId&) = default;
};
inline OutboxId OutboxOf(const WriteItem& item) {
  return {item.sender->participant_id, item.key().stream_id, item.key().writer_id};
}

// The order in which rows are locked and written.
inline bool ComesBefore(const WriteItem& a, const WriteItem& b) {
  if (const auto order = OutboxOf(a) <=> OutboxOf(b); order != 0) return order < 0;
  return a.key().number < b.key().number;
}

}  // namespace tidemark::ingest
