// One read of a stream's samples, taken piece by piece.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "store/chunk_row.h"
#include "store/chunk_scan.h"
#include "store/consent_book.h"
#include "store/placement.h"
#include "store/shown_times.h"
#include "store/stream_catalog.h"
#include "store/stream_info.h"
#include "store/unreadable.h"

namespace tidemark::store {

// What of a stream to read: a range of study time, of one clock, or all of it.
struct StudyRange {
  signal::TimeRange study;
};
struct EverythingRange {};
using ReadRange = std::variant<StudyRange, ScanRange, EverythingRange>;

struct SampleQuery {
  ParticipantId participant_id;
  StreamId stream_id;
  ReadRange range;
  std::vector<std::string> channels;  // in the order wanted; empty: all, as declared
  bool whole_chunks = false;
};

// A run of neighbouring samples of one chunk, or its encoded segment. Valid during the call.
struct ReadBlock {
  const StreamInfo& stream;  // in the version the chunk follows
  const ChunkRow& chunk;
  const Placement* placement;          // null if the chunk has no place on study time
  uint64_t first_counter;              // of the first sample here
  uint32_t count;                      // samples here; 1 for an encoded segment
  std::span<const int64_t> stamps_ns;  // device time; begin and end for an encoded segment
  std::string_view values;             // planar, of the channels asked for
  std::string_view encoded;
};
inline constexpr size_t kBlockBytesMax = 1'000'000;  // stamps and values of one block

// Unreadable chunks of one boot and clock without a pause of more than 10 s.
struct UnreadablePiece {
  UnreadableChunks chunks;
  const Placement* placement;  // null if they have no place on study time
};

// Takes what a read gives; an error ends the read and becomes its result.
struct SampleVisitor {
  absl::FunctionRef<absl::Status(const ReadBlock&)> block;
  absl::FunctionRef<absl::Status(const UnreadablePiece&)> unreadable;
};

// Made by SignalReader, which says what comes in which order. One thread at a time; between two
// calls it holds no connection and the opened segments of a few chunks.
class SampleReading {
 public:
  struct Parts {
    ChunkScan::Target target;  // of the query's stream
    StreamCatalog* catalog;
    PlacementSource* placements;
    ConsentBook* consent;
    DeviceId device_id;  // the stream's
  };
  SampleReading(Parts parts, SampleQuery query);
  ~SampleReading();

  // Gives the next piece, which is a chunk's blocks, unreadable chunks, or nothing; false at the
  // end. Afterwards, and after an error, it is not called again.
  //   DATA_LOSS         at the end: everything was given, but damaged chunks were among it
  //   INVALID_ARGUMENT  a channel that the chunk's version does not have
  absl::StatusOr<bool> Next(const SampleVisitor& visitor);

 private:
  // A walk of chunks: one range of device time, or everything.
  struct Leg {
    std::optional<ScanRange> scan;
    std::optional<Placement> placement;  // the range is of study time, by this
  };
  using ClockKey = std::pair<BootId, uint32_t>;

  absl::StatusOr<bool> BeginLeg();
  absl::Status PlanStudyRange(const signal::TimeRange& study);
  absl::Status Plan();
  absl::Status Read(const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment,
                    const SampleVisitor& visitor);
  // Whether nothing of a chunk may be shown. After FindPlacement(row).
  bool IsHidden(const ChunkRow& row, const ShownTimes& shown) const;
  absl::Status ReadIntact(const ChunkRow& row, const StreamInfo& stream, const ConsentTimes& shown,
                          const OpenedSegment& segment, const SampleVisitor& visitor);
  absl::Status ReadSamples(const ChunkRow& row, const StreamInfo& stream, const ConsentTimes& times,
                           const signal::Block& block, const SampleVisitor& visitor);
  absl::Status AddUnreadable(const ChunkRow& row, UnreadableReason reason,
                             const SampleVisitor& visitor);
  // A part of a chunk.
  absl::Status AddUnreadable(const ChunkRow& row, UnreadableReason reason,
                             const signal::TimeRange& device, int64_t samples,
                             const SampleVisitor& visitor);
  absl::Status Flush(const SampleVisitor& visitor);
  absl::Status GiveQuarantined(const SampleVisitor& visitor);
  absl::StatusOr<bool> End(const SampleVisitor& visitor);
  signal::TimeRange InsideOf(const ChunkRow& row) const;
  absl::Status FindPlacement(const ChunkRow& row);
  const Placement* PlacementOf(const ChunkRow& row) const;

  const Parts parts_;
  const SampleQuery query_;
  std::map<ClockKey, std::optional<Placement>> by_clock_;  // those met lately, bounded
  bool planned_ = false;
  std::vector<Leg> legs_;
  size_t leg_ = 0;
  bool walking_ = false;
  ChunkScan scan_;
  struct Pending {
    UnreadableChunks chunks;
    std::optional<Placement> placement;
  };
  std::optional<Pending> pending_;
  int64_t damaged_chunks_ = 0;
  absl::Status first_damage_;
};

}  // namespace tidemark::store
