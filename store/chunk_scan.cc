#include "store/chunk_scan.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_set>
#include <utility>

#include "base/status_macros.h"
#include "store/envelope.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

constexpr int64_t kRowsPerPage = 512;
// Segments in memory at one time; a payload has some megabytes at most, tiles some kilobytes.
constexpr size_t kPayloadsAtOnce = 16;
constexpr size_t kTilesAtOnce = 256;
// Bodies of the chunks whose payloads are in memory together: a reader may wait for long with them.
constexpr int64_t kBodyBytesAtOnce = 4 << 20;
// How often rows are read again because their segments were replaced meanwhile.
constexpr int kStaleReadsMax = 3;

struct PartTraits {
  const db::Statement* fetch;
  const char* table;
  EnvelopeCodec codec;
  size_t at_once;
};

PartTraits TraitsOf(SegmentPart part) {
  if (part == SegmentPart::kTiles) {
    return {&sql::kFetchTiles, "segment.tiles", EnvelopeCodec::kTiles, kTilesAtOnce};
  }
  return {&sql::kFetchPayloads, "segment.payload", EnvelopeCodec::kSegment, kPayloadsAtOnce};
}

Sha256Digest DigestOf(std::string_view bytes) {
  Sha256Digest digest{};
  std::memcpy(digest.data(), bytes.data(), std::min(bytes.size(), digest.size()));
  return digest;
}

}  // namespace

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

absl::Status CheckChunkRows(const db::BinaryResult& rows) {
  return rows
      .Expect<Uuid, int64_t, Uuid, Uuid, std::string_view, int32_t, int16_t, Uuid, int32_t, int64_t,
              int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, Uuid, int16_t, db::Timestamp>();
}

ChunkRow ReadChunkRow(ParticipantId participant, StreamId stream, const db::BinaryResult& rows,
                      int row) {
  return {.participant_id = participant,
          .stream_id = stream,
          .writer_id = WriterId{rows.UuidAt(row, 0)},
          .number = rows.Int64(row, 1),
          .study_id = StudyId{rows.UuidAt(row, 2)},
          .device_id = DeviceId{rows.UuidAt(row, 3)},
          .sha256 = DigestOf(rows.Bytes(row, 4)),
          .stream_version = rows.Int32(row, 5),
          .kind = static_cast<PayloadKind>(rows.Int16(row, 6)),
          .boot_id = BootId{rows.UuidAt(row, 7)},
          .clock_id = rows.Int32(row, 8),
          .first_counter = rows.Int64(row, 9),
          .sample_count = rows.Int32(row, 10),
          .body_bytes = rows.Int32(row, 11),
          .flags = rows.Int32(row, 12),
          .outlier_stamps = rows.Int32(row, 13),
          .t_min_ns = rows.Int64(row, 14),
          .t_max_ns = rows.Int64(row, 15),
          .segment_id = SegmentId{rows.UuidAt(row, 16)},
          .segment_slot = rows.Int16(row, 17),
          .arrived_at_us = rows.TimestampUs(row, 18)};
}

absl::StatusOr<ChunkScan::Page> ChunkScan::Fetch(const db::Statement& statement,
                                                 const db::BinaryParams& params) const {
  TM_ASSIGN_OR_RETURN(
      const db::BinaryResult rows,
      target_.pool->Query(target_.participant_id, statement, params, target_.deadline));
  TM_RETURN_IF_ERROR(CheckChunkRows(rows));
  Page page;
  page.reserve(static_cast<size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    page.push_back(ReadChunkRow(target_.participant_id, target_.stream_id, rows, i));
  }
  return page;
}

absl::Status ChunkScan::Everything(Visitor visit) {
  BeginEverything();
  return VisitAll(visit);
}

absl::Status ChunkScan::InRange(const ScanRange& range, Visitor visit) {
  BeginRange(range);
  return VisitAll(visit);
}

absl::Status ChunkScan::VisitAll(Visitor visit) {
  while (true) {
    TM_ASSIGN_OR_RETURN(const bool more, Next(visit));
    if (!more) return absl::OkStatus();
  }
}

void ChunkScan::Begin(FetchPage fetch) {
  fetch_ = std::move(fetch);
  page_.clear();
  next_ = batch_end_ = 0;
  last_.reset();
}

void ChunkScan::BeginEverything(const ChunkPosition& after) {
  Begin([this, start = after](const ChunkRow* last) {
    db::BinaryParams params;
    params.Add(target_.participant_id).Add(target_.stream_id);
    params.Add(last == nullptr ? start.writer_id : last->writer_id);
    params.Add(last == nullptr ? start.number : last->number).Add(kRowsPerPage);
    return Fetch(sql::kScanChunksByNumber, params);
  });
}

void ChunkScan::BeginRange(const ScanRange& range) {
  Begin([this, range](const ChunkRow* last) {
    const int64_t from_ns =
        last == nullptr ? SaturatingAdd(range.device.begin_ns, -kChunkSpanNsMax) : last->t_min_ns;
    db::BinaryParams params;
    params.Add(target_.participant_id).Add(target_.stream_id);
    params.Add(range.boot_id).Add(static_cast<int32_t>(range.clock_id));
    params.Add(from_ns).Add(range.device.begin_ns).Add(range.device.end_ns);
    // Before the first row: numbers begin with 0.
    params.Add(from_ns).Add(last == nullptr ? WriterId{} : last->writer_id);
    params.Add(last == nullptr ? int64_t{-1} : last->number).Add(kRowsPerPage);
    return Fetch(sql::kScanChunksByTime, params);
  });
}

void ChunkScan::BeginRows(std::vector<ChunkRow> rows) {
  Begin(nullptr);
  if (rows.empty()) {
    fetch_ = [](const ChunkRow*) { return Page(); };
    return;
  }
  const auto key_of = [](const ChunkRow& row) { return std::pair(row.writer_id, row.number); };
  // Asked again before the last row was visited, it would have to find the others anew.
  fetch_ = [key_of, end = key_of(rows.back())](const ChunkRow* last) -> absl::StatusOr<Page> {
    if (last != nullptr && key_of(*last) == end) return Page();
    return absl::AbortedError("chunks were moved to another segment meanwhile");
  };
  page_ = std::move(rows);
}

// A walk over one row, which is read again only if its segment is not found.
absl::Status ChunkScan::One(const ChunkRow& row, Visitor visit) {
  Begin([this, wanted = row](const ChunkRow* last) -> absl::StatusOr<Page> {
    if (last != nullptr) return Page();
    db::BinaryParams params;
    params.Add(target_.participant_id).Add(target_.stream_id);
    params.Add(wanted.writer_id).Add(wanted.number - 1).Add(int64_t{1});
    TM_ASSIGN_OR_RETURN(Page page, Fetch(sql::kScanChunksByNumber, params));
    std::erase_if(page, [&](const ChunkRow& found) {
      return found.writer_id != wanted.writer_id || found.number != wanted.number;
    });
    return page;
  });
  page_ = {row};
  return Next(visit).status();
}

const absl::StatusOr<OpenedSegment>& ChunkScan::PartOf(const ChunkRow& row) const {
  static const auto* const kErasedChunk =
      new absl::StatusOr<OpenedSegment>(absl::NotFoundError("the chunk was erased"));
  return row.is_erased() ? *kErasedChunk : loaded_.at(row.segment_id);
}

absl::StatusOr<bool> ChunkScan::Next(Visitor visit) {
  if (next_ == batch_end_) {
    TM_ASSIGN_OR_RETURN(const bool more, LoadBatch());
    if (!more) return false;
  }
  const ChunkRow& row = page_[next_];
  TM_RETURN_IF_ERROR(visit(row, PartOf(row)));
  last_ = row;
  ++next_;
  return true;
}

// 1. a page of rows is read after the last row visited
// 2. as many of them as share few enough segments form a batch, whose segments are loaded
// 3. if one is missing, it was merged into another since the rows were read: they are read again
// 4. what is still missing after that is lost
absl::StatusOr<bool> ChunkScan::LoadBatch() {
  for (int stale_reads = 0;; ++stale_reads) {
    if (next_ == page_.size()) {
      TM_ASSIGN_OR_RETURN(page_, fetch_(last_ ? &*last_ : nullptr));
      next_ = batch_end_ = 0;
      if (page_.empty()) return false;
    }
    const std::span<const ChunkRow> rest = std::span<const ChunkRow>(page_).subspan(next_);
    const std::span<const ChunkRow> batch = rest.first(BatchSize(rest));
    TM_ASSIGN_OR_RETURN(const bool complete, Load(batch));
    if (complete || stale_reads == kStaleReadsMax) {
      for (const ChunkRow& row : batch) {
        loaded_.try_emplace(row.segment_id, absl::DataLossError("its segment is missing"));
      }
      batch_end_ = next_ + batch.size();
      return true;
    }
    page_.clear();
    next_ = batch_end_ = 0;
  }
}

size_t ChunkScan::BatchSize(std::span<const ChunkRow> rows) const {
  const size_t segments_max = TraitsOf(part_).at_once;
  std::unordered_set<SegmentId> segments;
  int64_t body_bytes = 0;
  size_t size = 0;
  for (const ChunkRow& row : rows) {
    if (!row.is_erased()) {
      segments.insert(row.segment_id);
      body_bytes += row.body_bytes;
    }
    const bool too_large = part_ == SegmentPart::kPayload && body_bytes > kBodyBytesAtOnce;
    if (segments.size() > segments_max || (too_large && size > 0)) break;
    ++size;
  }
  return size;
}

// Leaves in loaded_ the segments of `batch` and nothing else; false if one is not in the database.
absl::StatusOr<bool> ChunkScan::Load(std::span<const ChunkRow> batch) {
  std::unordered_map<SegmentId, absl::StatusOr<OpenedSegment>> kept;
  std::unordered_set<SegmentId> wanted;
  for (const ChunkRow& row : batch) {
    if (row.is_erased()) continue;
    if (auto node = loaded_.extract(row.segment_id)) kept.insert(std::move(node));
    if (!kept.contains(row.segment_id)) wanted.insert(row.segment_id);
  }
  loaded_ = std::move(kept);
  if (wanted.empty()) return true;
  std::vector<Uuid> ids;
  ids.reserve(wanted.size());
  for (const SegmentId id : wanted) ids.push_back(id.uuid);
  TM_ASSIGN_OR_RETURN(const size_t found, FetchParts(ids));
  // Erased, or sealed anew and the old key destroyed between reading and opening: one more look
  // tells.
  std::erase_if(ids, [&](const Uuid& id) {
    const auto part = loaded_.find(SegmentId{id});
    return part == loaded_.end() || !absl::IsNotFound(part->second.status());
  });
  if (!ids.empty()) TM_RETURN_IF_ERROR(FetchParts(ids).status());
  // The key store failing is not the data's fault: the reader comes again.
  for (const auto& [id, packed] : loaded_) {
    if (absl::IsUnavailable(packed.status())) return packed.status();
  }
  return found == wanted.size();
}

// Puts into loaded_ those of `segments` that are in the database, and says how many.
absl::StatusOr<size_t> ChunkScan::FetchParts(std::span<const Uuid> segments) {
  db::BinaryParams params;
  params.Add(target_.participant_id).AddArray(segments);
  TM_ASSIGN_OR_RETURN(const db::BinaryResult rows,
                      target_.pool->Query(target_.participant_id, *TraitsOf(part_).fetch, params,
                                          target_.deadline));
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, std::optional<std::string_view>>()));
  for (int i = 0; i < rows.rows(); ++i) {
    const SegmentId id{rows.UuidAt(i, 0)};
    loaded_.insert_or_assign(id,
                             rows.IsNull(i, 1) ? OpenedSegment("") : Open(id, rows.Bytes(i, 1)));
  }
  return static_cast<size_t>(rows.rows());
}

absl::StatusOr<OpenedSegment> ChunkScan::Open(SegmentId segment, std::string_view sealed) const {
  const PartTraits traits = TraitsOf(part_);
  const EnvelopePlace place{traits.table, target_.participant_id, segment.AsBytes()};
  TM_ASSIGN_OR_RETURN(OpenedEnvelope opened,
                      OpenEnvelope(*target_.keys, place, target_.stream_id, sealed));
  if (opened.codec != traits.codec) return absl::DataLossError("a segment has an unknown codec");
  return OpenedSegment(std::move(opened.plain));
}

absl::StatusOr<std::vector<size_t>> RangesWithChunks(const ChunkScan::Target& target,
                                                     std::span<const ScanRange> ranges) {
  if (ranges.empty()) return std::vector<size_t>();
  std::vector<Uuid> boots;
  std::vector<int32_t> clocks;
  std::vector<int64_t> scan_from_ns, begin_ns, end_ns;
  for (const ScanRange& range : ranges) {
    boots.push_back(range.boot_id.uuid);
    clocks.push_back(static_cast<int32_t>(range.clock_id));
    scan_from_ns.push_back(SaturatingAdd(range.device.begin_ns, -kChunkSpanNsMax));
    begin_ns.push_back(range.device.begin_ns);
    end_ns.push_back(range.device.end_ns);
  }
  db::BinaryParams params;
  params.Add(target.participant_id).Add(target.stream_id);
  params.AddArray(std::span<const Uuid>(boots)).AddArray(std::span<const int32_t>(clocks));
  params.AddArray(std::span<const int64_t>(scan_from_ns));
  params.AddArray(std::span<const int64_t>(begin_ns)).AddArray(std::span<const int64_t>(end_ns));
  TM_ASSIGN_OR_RETURN(const db::BinaryResult rows,
                      target.pool->Query(target.participant_id, sql::kFindRangesWithChunks, params,
                                         target.deadline));
  TM_RETURN_IF_ERROR(rows.Expect<int64_t>());
  std::vector<size_t> found;
  found.reserve(static_cast<size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    found.push_back(static_cast<size_t>(rows.Int64(i, 0)) - 1);
  }
  return found;
}

}  // namespace tidemark::store
