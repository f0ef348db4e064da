// What is sealed of a stretch of device time, and what still lies live (docs/adr/0026).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "store/chunk_row.h"
#include "store/chunk_scan.h"
#include "store/envelope.h"

namespace tidemark::store {

// Chunks of one outbox, boot, clock, stream version and data key that were sealed together.
using RunId = Id<struct RunTag>;

// A run spans at most this much device time, so that a range of time is a bounded scan.
inline constexpr int64_t kRunSpanNsMax = 24 * kChunkSpanNsMax;

// As readers need it.
struct SealedRun {
  RunId run_id;
  WriterId writer_id;
  int64_t first_number = 0;  // of its chunks; some between them may belong to other runs
  int64_t last_number = 0;
  int32_t stream_version = 0;
  int64_t samples = 0;
  int64_t covered_ns = 0;  // sum of the spans of its chunks
  int64_t t_min_ns = 0;
  int64_t t_max_ns = 0;
  int16_t levels = 0;
};

// Of one moment: a chunk is in a run or in the tail, and never in both. What was erased is in the
// tail.
struct RunsAndTail {
  std::vector<SealedRun> runs;  // with tiles
  std::vector<ChunkRow> tail;   // of live segments, and erased ones of all
  bool tail_is_cut = false;     // there is more than was asked for
};
absl::StatusOr<RunsAndTail> FindRuns(const ChunkScan::Target& target, StudyId study,
                                     const ScanRange& range, int64_t tail_max);

// What a row of the table tile is sealed as: run and level are bound in.
inline constexpr char kTileTable[] = "tile.payload";
std::string TileRowKey(RunId run, int16_t level);

// Level `levels[i]` of run i, opened (core/signal/tile_rows.h), in their order.
//   ABORTED  a run has gone meanwhile: what it held is elsewhere
// Each one for itself:
//   NOT_FOUND  its key was destroyed
//   DATA_LOSS  it does not open
absl::StatusOr<std::vector<absl::StatusOr<std::string>>> FetchTiles(
    const ChunkScan::Target& target, std::span<const RunId> runs, std::span<const int16_t> levels);

}  // namespace tidemark::store
