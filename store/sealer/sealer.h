// Packs settled chunks into sealed segments and large tiles (docs/adr/0026).
//
//   live streams ─► claim ─► plan ─► for each run: read, pack, check ─► swapped in one transaction
//
// What it dies of leaves everything as it was before a swap or after it. Any number of them may
// work on one database.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "store/key_store.h"
#include "store/sealer/seal_pack.h"
#include "store/sealer/seal_plan.h"
#include "store/sealer/seal_store.h"
#include "store/stream_catalog.h"

namespace tidemark::sealer {

// What waits to be sealed, of all studies.
struct SealBacklog {
  int64_t streams = 0;
  int64_t segments = 0;
  int64_t bytes = 0;      // as stored
  absl::Duration oldest;  // since the oldest live segment arrived; zero without any
  int64_t faults = 0;     // segments that could not be sealed
};

// What was done since the sealer was made.
struct SealTotals {
  int64_t runs = 0;
  int64_t quick_runs = 0;  // of these packed in a hurry
  int64_t chunks = 0;
  int64_t source_bytes = 0;  // of the payloads that were replaced
  int64_t sealed_bytes = 0;  // of those that replace them, tiles included
  int64_t collisions = 0;    // swaps that found something else than was read
  int64_t faults = 0;
};

// Says how fast to go. Called between two runs.
class SealPacer {
 public:
  virtual ~SealPacer() = default;
  // After so much work, with so many bytes still waiting; returns when to go on.
  virtual void Rest(absl::Duration worked, int64_t bytes_waiting) = 0;
  virtual bool IsStopping() = 0;
};

struct SealerOptions {
  SealStoreOptions store;
  store::KeyStore* keys = nullptr;
  store::StreamCatalog* catalog = nullptr;
  const Clock* clock = nullptr;
  SealPatience patience;
  // While more lies live, runs are packed in a hurry, and again when less does.
  int64_t hurry_bytes = int64_t{16} << 20;
};

// One thread. What the options point to outlives this.
class Sealer {
 public:
  explicit Sealer(SealerOptions options) : options_(std::move(options)), store_(options_.store) {}

  // One round over everything that lies live. Streams that cannot be sealed now are passed over; a
  // database or key store that is away ends the round. Returns how many runs were sealed.
  absl::StatusOr<int64_t> RunOnce(SealPacer& pacer);

  absl::StatusOr<SealBacklog> Backlog();
  const SealTotals& totals() const { return totals_; }

 private:
  absl::StatusOr<std::vector<LiveStream>> AllLiveStreams();
  bool IsWorthALook(const LiveStream& stream) const;
  absl::StatusOr<int64_t> SealStream(const LiveStream& stream, SealPacer& pacer);
  absl::StatusOr<int64_t> SealPlanned(const StreamClaim& claim, SealPacer& pacer);
  absl::Status SealRun(const StreamClaim& claim, const PlannedRun& run,
                       std::span<const StoredChunkRow> live);
  absl::StatusOr<int64_t> SealEach(const StreamClaim& claim, std::span<const PlannedRun> runs,
                                   std::span<const StoredChunkRow> live, SealPacer& pacer);
  absl::StatusOr<int64_t> PackQuickRuns(SealPacer& pacer);
  bool IsInAHurry() const { return bytes_waiting_ > options_.hurry_bytes; }
  absl::Status NoteFault(const StreamClaim& claim, SegmentId segment, const absl::Status& problem);

  const SealerOptions options_;
  SealStore store_;
  SealTotals totals_;
  int64_t bytes_waiting_ = 0;  // of streams that may have something to seal
  // What lay live of a stream when there was nothing to seal in it. Bounded.
  std::unordered_map<StreamId, int64_t> waiting_segments_;
};

}  // namespace tidemark::sealer
