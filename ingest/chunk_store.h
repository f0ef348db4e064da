// Where decided envelopes become rows: one connection as tm_ingest, one transaction per call.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/db/pipeline.h"
#include "ingest/chunk_inserts.h"
#include "ingest/quarantine_room.h"
#include "ingest/write_item.h"
#include "store/key_store.h"

namespace tidemark::ingest {

struct ChunkStoreOptions {
  std::string dsn;  // of tm_ingest
  store::KeyStore* keys = nullptr;
  const Clock* clock = nullptr;
  QuarantineQuotas quotas;
  int64_t statement_timeout_ms = 30'000;
};

// Not thread-safe: each writer has its own. Connects at first use and again after the connection
// broke.
//
// A call either commits and hands every item its verdict, or returns a status and has decided
// nothing, apart from items that are refused without a write, whatever becomes of the others:
//   of participants who were erased   STOP_AND_DELETE, NO_CONSENT
//   of participants whose key fails   RETRY_AFTER, OVERLOADED
// The statuses:
//   ALREADY_EXISTS, INVALID_ARGUMENT, FAILED_PRECONDITION, INTERNAL, ...
//                      the rows were rejected: the same items are rejected again, at least one of
//                      them is to blame
//   RESOURCE_EXHAUSTED the database has no room (disk, connections)
//   UNAVAILABLE, ABORTED, DEADLINE_EXCEEDED  nothing was written; worth repeating
//   UNKNOWN            it may have been written; repeating is safe and finds out
class ChunkStore {
 public:
  explicit ChunkStore(ChunkStoreOptions options) : options_(std::move(options)) {}

  // For AdmittedChunks with different keys. One round trip: all rows are sent in the hope that no
  // number is settled yet and nothing of the participants was erased since admission. False if it
  // is so: nothing was written, WriteCareful decides each.
  // Sorts `items`.
  absl::StatusOr<bool> TryWriteFast(std::span<WriteItem> items);

  // For anything that has a key. Sorts `items`.
  absl::Status WriteCareful(std::span<WriteItem> items);

  // Stores a body that is held in quarantine, if nothing else is stored under its number, and takes
  // it out of quarantine on behalf of `request`. The verdict is Stored, Duplicate (the same bytes
  // were stored meanwhile), Quarantined with the reason for which it has to stay, or what refuses
  // items without a write. Nothing when it has left quarantine.
  absl::StatusOr<std::optional<Verdict>> Redrive(QuarantineId id, const Uuid& request,
                                                 WriteItem item);

 private:
  absl::Status Connect();
  // The front of `items`, after those that cannot be sealed were refused and moved to the back.
  static std::span<WriteItem> RefuseWithoutKey(std::span<WriteItem> items, DayKeys& keys);
  // Runs `body` between BEGIN with this scope and COMMIT.
  absl::Status InTransaction(const std::string& scope_sql, absl::FunctionRef<absl::Status()> body);
  // One redrive within its transaction.
  struct RedriveStep {
    QuarantineId id;
    Uuid request;
    WriteItem item;
    DayKeys* keys;
    absl::Time now;
  };
  absl::StatusOr<std::optional<Verdict>> RedriveLocked(const RedriveStep& step);
  absl::Status MoveOutOfQuarantine(const RedriveStep& step, bool store);

  const ChunkStoreOptions options_;
  std::unique_ptr<db::PipelineConnection> connection_;
  KnownEpochs known_epochs_;
};

}  // namespace tidemark::ingest
