// Walks over stored chunks with their payloads or tiles, in bounded memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/signal/overview.h"
#include "store/chunk_row.h"
#include "store/key_store.h"
#include "store/opened_segment.h"
#include "store/reader_pool.h"

namespace tidemark::store {

// A chunk spans at most this much device time (chunk.proto), so that a range of time is a bounded
// scan of one index.
inline constexpr int64_t kChunkSpanNsMax = 3'600'000'000'000;

// Half-open range of one clock.
struct ScanRange {
  BootId boot_id;
  uint32_t clock_id = 0;
  signal::TimeRange device;
};

// Of a chunk among all chunks of a stream; by default before the first.
struct ChunkPosition {
  WriterId writer_id;
  int64_t number = -1;
};

int64_t SaturatingAdd(int64_t a, int64_t b);

enum class SegmentPart { kPayload, kTiles };

// Whether rows have the columns of `chunk` in their usual order, as ReadChunkRow needs. INTERNAL.
absl::Status CheckChunkRows(const db::BinaryResult& rows);
// A row of any statement that selects these.
ChunkRow ReadChunkRow(ParticipantId participant, StreamId stream, const db::BinaryResult& rows,
                      int row);

// One walk by one thread. Rows come in pages, segments a few at a time and each about once; no
// connection is held while the visitor runs.
class ChunkScan {
 public:
  struct Target {
    ReaderPool* pool;
    KeyStore* keys;
    ParticipantId participant_id;
    StreamId stream_id;
    absl::Time deadline;
  };
  ChunkScan(const Target& target, SegmentPart part) : target_(target), part_(part) {}
  ChunkScan(const ChunkScan&) = delete;
  ChunkScan& operator=(const ChunkScan&) = delete;

  // `segment` is the opened part of the segment that holds the chunk; its tiles are empty where
  // there are none, as in sealed segments. Otherwise it is
  //   NOT_FOUND  the chunk is marked as erased, or its key was destroyed: a gap, not a fault
  //   DATA_LOSS  it is missing or does not open
  // The visitor's own error ends the walk and becomes its result.
  using Visitor = absl::FunctionRef<absl::Status(const ChunkRow& row,
                                                 const absl::StatusOr<OpenedSegment>& segment)>;

  // Every chunk of the stream, by writer and number.
  absl::Status Everything(Visitor visit);
  // Chunks whose plausible stamps overlap the range, by smallest stamp.
  absl::Status InRange(const ScanRange& range, Visitor visit);
  // One chunk; nothing is visited if it has gone meanwhile. Ends a walk, as Begin... does.
  absl::Status One(const ChunkRow& row, Visitor visit);

  // The same walks a step at a time, for whoever must wait between two chunks. A walk that is begun
  // ends the one before it.
  void BeginEverything(const ChunkPosition& after = {});
  void BeginRange(const ScanRange& range);
  // These rows, read before, in their order. One whose segment has gone meanwhile is ABORTED: its
  // rows are to be read again.
  void BeginRows(std::vector<ChunkRow> rows);
  // Visits the next chunk; false at the end of the walk.
  absl::StatusOr<bool> Next(Visitor visit);

 private:
  using Page = std::vector<ChunkRow>;
  using FetchPage = std::function<absl::StatusOr<Page>(const ChunkRow* after)>;

  void Begin(FetchPage fetch);
  absl::Status VisitAll(Visitor visit);
  absl::StatusOr<bool> LoadBatch();
  absl::StatusOr<Page> Fetch(const db::Statement& statement, const db::BinaryParams& params) const;
  size_t BatchSize(std::span<const ChunkRow> rows) const;
  absl::StatusOr<bool> Load(std::span<const ChunkRow> batch);
  absl::StatusOr<size_t> FetchParts(std::span<const Uuid> segments);
  const absl::StatusOr<OpenedSegment>& PartOf(const ChunkRow& row) const;
  absl::StatusOr<OpenedSegment> Open(SegmentId segment, std::string_view sealed) const;

  const Target target_;
  const SegmentPart part_;
  std::unordered_map<SegmentId, absl::StatusOr<OpenedSegment>> loaded_;
  // The walk: a page of rows, of which those before batch_end_ have their segments loaded.
  FetchPage fetch_;
  Page page_;
  size_t next_ = 0;
  size_t batch_end_ = 0;
  std::optional<ChunkRow> last_;
};

// Those of `ranges` that hold a chunk of the target's stream, in the same order.
absl::StatusOr<std::vector<size_t>> RangesWithChunks(const ChunkScan::Target& target,
                                                     std::span<const ScanRange> ranges);

}  // namespace tidemark::store
