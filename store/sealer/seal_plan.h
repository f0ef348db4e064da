// Which live chunks of a stream are sealed now, and together with what (docs/adr/0026). Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/ids.h"
#include "store/chunk_row.h"
#include "store/sealed_runs.h"

namespace tidemark::sealer {

// What a run is about: at most so many samples, bytes of bodies and numbers.
inline constexpr int64_t kRunSamples = 131'072;
inline constexpr int64_t kRunBodyBytes = int64_t{2} << 20;
inline constexpr int16_t kCellBitsMax = 10;
// Where a cell holds more than was to be expected, runs are cut at this; they are not merged.
inline constexpr int64_t kRunBodyBytesMax = int64_t{16} << 20;
// Runs of one cell that are not merged yet.
inline constexpr size_t kRunsPerCellMax = 4;
// An older run is merged if at least one part in so many is new.
inline constexpr int64_t kMergeRatio = 4;

// When chunks that are not settled are sealed as they are.
struct SealPatience {
  absl::Duration quiet = absl::Minutes(5);      // since the last arrival in their cell
  absl::Duration wait_max = absl::Minutes(30);  // since the first
  int64_t live_chunks_max = 512;                // of a stream
  int64_t live_body_bytes_max = int64_t{32} << 20;
};

// Chunks of different groups never share a run.
struct RunGroup {
  WriterId writer_id;
  BootId boot_id;
  int32_t clock_id = 0;
  int32_t stream_version = 0;
  std::string key_name;  // as in segment.key_name

  friend auto operator<=>(const RunGroup&, const RunGroup&) = default;
};

struct StoredChunkRow {
  store::ChunkRow row;
  std::string key_name;

  RunGroup group() const {
    return {row.writer_id, row.boot_id, row.clock_id, row.stream_version, key_name};
  }
};

// A run to which something may still belong.
struct OpenRun {
  store::RunId run_id;
  RunGroup group;
  int64_t first_number = 0;
  int64_t last_number = 0;
  int32_t chunks = 0;
  int16_t cell_bits = 0;

  int64_t cell() const { return first_number >> cell_bits; }
};

// Numbers that came to an end, by outbox: nothing will arrive under them.
class SettledNumbers {
 public:
  // [begin, end)
  void Add(WriterId writer, int64_t begin, int64_t end);
  bool Covers(WriterId writer, int64_t begin, int64_t end) const;

 private:
  // Disjoint and not touching: begin to end.
  std::map<WriterId, std::map<int64_t, int64_t>> ranges_;
};

struct PlannedRun {
  RunGroup group;
  int16_t cell_bits = 0;
  bool closed = false;       // nothing that arrives can belong to it
  std::vector<size_t> live;  // places in what was planned from
  std::vector<store::RunId> merged;
};
struct SealPlan {
  std::vector<PlannedRun> runs;
  std::vector<store::RunId> finished;  // complete as they are: to be closed
};

// `live` are the chunks of the live segments of one stream, `open` all its open runs.
SealPlan PlanRuns(std::span<const StoredChunkRow> live, std::span<const OpenRun> open,
                  const SettledNumbers& settled, absl::Time now, const SealPatience& patience);

}  // namespace tidemark::sealer
