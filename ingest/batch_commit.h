// Brings a batch of decided envelopes to its end, whatever the database does.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "ingest/chunk_store.h"
#include "ingest/stop_flag.h"
#include "ingest/write_item.h"

namespace tidemark::ingest {

struct CommitPatience {
  // How long a batch is tried again while the database is away, before it is left undecided.
  std::chrono::milliseconds retry_for{15'000};
  std::chrono::milliseconds backoff_first{5};
  std::chrono::milliseconds backoff_max{1'000};
};

// What a device waits when the database has no room.
inline constexpr uint32_t kOverloadedRetryMs = 10'000;
// What a device waits when the database takes a chunk neither into the study nor into quarantine.
inline constexpr uint32_t kRejectedRetryMs = 60 * 60 * 1'000;

// The ladder:
//   a number is settled already     the careful way, which decides each item
//   the database is away            again with growing pauses, then undecided
//   the database has no room        RETRY_AFTER for every item
//   rows are rejected               halves, down to the one to blame, which is set aside
class BatchCommit {
 public:
  BatchCommit(ChunkStore* store, const CommitPatience& patience, StopFlag* stop)
      : store_(store), patience_(patience), stop_(stop) {}

  // OK when every item has its verdict. Otherwise those without one are undecided. Reorders.
  absl::Status Run(std::vector<WriteItem> items);

 private:
  enum class Way { kFast, kCareful };
  absl::Status Commit(std::span<WriteItem> items, Way way);
  absl::Status TryUntilReachable(std::span<WriteItem> items, Way way);
  absl::Status TryOnce(std::span<WriteItem> items, Way way);
  absl::Status Halve(std::span<WriteItem> items, Way way);
  absl::Status SetRejectedAside(std::span<WriteItem> one);

  ChunkStore* const store_;
  const CommitPatience patience_;
  StopFlag* const stop_;
};

}  // namespace tidemark::ingest
