// Packs chunks that were read into the segments and tiles of runs. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/signal/codec.h"
#include "core/signal/samples.h"
#include "store/sealer/seal_plan.h"
#include "store/segment.h"

namespace tidemark::sealer {

// What a sealed payload holds, in bytes before it is coded anew; the dense code makes 40 to 70 KiB
// of it (signal::kDensePayloadBytesGoal).
inline constexpr size_t kSegmentSourceBytes = 80 << 10;
inline constexpr size_t kSegmentSlotsMax = 4'096;
// Decoded bytes of one joint block, which a reader of one of its chunks has to decode.
inline constexpr size_t kJointBytesMax = size_t{1} << 20;
// Levels of tiles end when there are so few buckets, or where gaps keep them from becoming fewer.
inline constexpr size_t kTileBucketsMin = 16;

// A chunk that is to be sealed, as it lies in its segment.
struct SourceChunk {
  store::ChunkRow row;
  store::SegmentSlot slot;             // of kJoint without its bytes
  std::optional<signal::Block> block;  // its samples, unless it was erased or has none
  size_t source_bytes = 0;             // of its slot
};

struct StreamShape {
  std::vector<signal::SampleType> channels;  // empty: no samples
  int64_t gap_ns = 0;
};

struct PackedSegment {
  std::string packed;          // store/segment.h
  std::vector<size_t> chunks;  // places in what was packed, by slot
};
struct PackedRun {
  std::vector<PackedSegment> segments;
  std::vector<std::string> tiles;  // by level
  int64_t first_number = 0;
  int64_t last_number = 0;
  int32_t chunks = 0;
  int64_t samples = 0;
  int64_t covered_ns = 0;
  int64_t t_min_ns = 0;
  int64_t t_max_ns = 0;
};

// `chunks` are those of one group by number. One run, or several where they span more device time
// than a run may. Every segment was decoded again and says what was given.
//   INTERNAL  it does not: a fault of the codec, and nothing must be replaced
//
// kDense joins the samples of a segment. kLive takes blocks over as they lie there: a tenth of the
// work, for half as much room again.
absl::StatusOr<std::vector<PackedRun>> PackRuns(const StreamShape& shape,
                                                std::span<const SourceChunk> chunks,
                                                signal::Effort effort = signal::Effort::kDense);

}  // namespace tidemark::sealer
