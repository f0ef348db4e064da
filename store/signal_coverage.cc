// SignalReader::GetCoverage.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "store/envelope.h"
#include "store/shown_times.h"
#include "store/signal_reader.h"
#include "store/span_joiner.h"
#include "store/sql.h"
#include "store/stream_clocks.h"

namespace tidemark::store {
namespace {

// Chunks that one statement folds into stretches, and statements that travel together.
constexpr int64_t kChunksPerPage = 8'192;
constexpr size_t kPagesAtOnce = 16;
// With fewer ranges a stream would say nothing.
constexpr size_t kRangesMin = 16;

constexpr int64_t kFirstNs = std::numeric_limits<int64_t>::min();
constexpr int64_t kLastNs = std::numeric_limits<int64_t>::max();

// What seals the segments of one stream.
struct StreamKeys {
  bool has_live = false;
  bool has_erased_chunks = false;      // by their own mark
  std::vector<std::string> destroyed;  // names as in segment.key_name
};

absl::StatusOr<StreamKeys> FindKeys(const SignalReader::Parts& parts, const StreamInfo& stream,
                                    absl::Time deadline) {
  db::BinaryParams params;
  params.Add(stream.participant_id).Add(stream.stream_id);
  TM_ASSIGN_OR_RETURN(
      const db::BinaryResult rows,
      parts.pool->Query(stream.participant_id, sql::kListSegmentKeys, params, deadline));
  TM_RETURN_IF_ERROR(rows.Expect<std::string_view>());
  StreamKeys keys;
  for (int i = 0; i < rows.rows(); ++i) {
    const std::string_view name = rows.Bytes(i, 0);
    TM_ASSIGN_OR_RETURN(const DataKeyName parsed, ParseKeyName(stream.stream_id, name));
    const absl::Status found = parts.keys->Find(stream.participant_id, parsed).status();
    if (absl::IsNotFound(found)) {
      keys.destroyed.emplace_back(name);
    } else {
      TM_RETURN_IF_ERROR(found);
      keys.has_live = true;
    }
  }
  TM_ASSIGN_OR_RETURN(
      const db::BinaryResult marked,
      parts.pool->Query(stream.participant_id, sql::kHasErasedChunks, params, deadline));
  TM_RETURN_IF_ERROR(marked.Expect<bool>());
  keys.has_erased_chunks = marked.Bool(0, 0);
  return keys;
}

// The chunks of one boot and clock within a range of device time, page by page.
struct ClockScan {
  StreamClock clock;
  int64_t begin_ns = kFirstNs;  // of the range
  int64_t last_ns = kLastNs;    // the last nanosecond inside
  int64_t from_ns = kFirstNs;   // where the next page begins
  bool hidden = false;          // what begins in it may not be shown, by its place
};

// One stream of one call.
class StreamRun {
 public:
  StreamRun(const SignalReader::Parts& parts, const CoverageQuery& query, StreamInfoPtr stream,
            size_t ranges_max, absl::Time deadline)
      : parts_(parts),
        query_(query),
        deadline_(deadline),
        readable_(query.join_gap_ns, ranges_max),
        erased_(query.join_gap_ns, kUnreadableRangesMax),
        hidden_(query.join_gap_ns, kUnreadableRangesMax) {
    coverage_.stream = std::move(stream);
  }

  absl::StatusOr<StreamCoverage> Run() {
    TM_ASSIGN_OR_RETURN(keys_, FindKeys(parts_, *coverage_.stream, deadline_));
    TM_ASSIGN_OR_RETURN(shown_, FindShownTimes(*parts_.consent, *coverage_.stream, deadline_));
    if (!query_.study_range) TM_RETURN_IF_ERROR(SumStoredBytes());
    TM_RETURN_IF_ERROR(WalkClocks());
    coverage_.ranges = std::move(readable_).Finish();
    coverage_.joined_gap_ns = readable_.joined_gap_ns();
    for (const signal::TimeRange& range : std::move(erased_).Finish()) {
      coverage_.unreadable.push_back({range, UnreadableReason::kErased});
    }
    for (const signal::TimeRange& range : std::move(hidden_).Finish()) {
      coverage_.unreadable.push_back({range, UnreadableReason::kNoConsent});
    }
    return std::move(coverage_);
  }

 private:
  absl::Status SumStoredBytes() {
    db::BinaryParams params;
    params.Add(query_.participant_id).Add(coverage_.stream->stream_id);
    TM_ASSIGN_OR_RETURN(
        const db::BinaryResult rows,
        parts_.pool->Query(query_.participant_id, sql::kSumStoredBytes, params, deadline_));
    TM_RETURN_IF_ERROR(rows.Expect<int64_t>());
    coverage_.stored_bytes = rows.Int64(0, 0);
    return absl::OkStatus();
  }

  // Page by page, so that memory does not grow with the boots of a stream.
  absl::Status WalkClocks() {
    StreamClocks clocks(
        {parts_.pool, parts_.keys, query_.participant_id, coverage_.stream->stream_id, deadline_},
        parts_.placements, coverage_.stream->device_id);
    while (true) {
      TM_ASSIGN_OR_RETURN(const std::vector<StreamClock> page, clocks.Next());
      if (page.empty()) return absl::OkStatus();
      AddScans(page);
      TM_RETURN_IF_ERROR(ReadPages());
    }
  }

  // Of those clocks that may have chunks in the range, or no place.
  void AddScans(const std::vector<StreamClock>& clocks) {
    for (const StreamClock& clock : clocks) {
      ClockScan scan{.clock = clock};
      if (clock.placement && query_.study_range) {
        // A nanosecond more on both sides, for the rounding.
        const signal::TimeRange& study = *query_.study_range;
        scan.begin_ns = SaturatingAdd(clock.placement->ToDevice(study.begin_ns), -1);
        scan.last_ns = clock.placement->ToDevice(study.end_ns);
        scan.from_ns = SaturatingAdd(scan.begin_ns, -kChunkSpanNsMax);
      }
      AddPieces(scan);
    }
  }

  // A scan ends where consent begins or ends, so that chunks that begin on different sides of such
  // a border are never folded into one stretch. `hidden` is told by where its chunks begin.
  void AddPieces(ClockScan scan) {
    const StreamClock& clock = scan.clock;
    const int64_t last_ns = scan.last_ns;
    scan.hidden = shown_.placed.IsNever();
    if (clock.placement && !shown_.placed.IsAlways()) {
      const signal::TimeRange study =
          clock.placement->ToStudySpan(std::max(scan.from_ns, clock.first_begin_ns),
                                       std::max(scan.from_ns, clock.last_begin_ns));
      shown_.placed.Split(study, [&](const signal::TimeRange& part, bool is_shown) {
        if (part.begin_ns > study.begin_ns) {
          // What begins at the border is on its far side.
          const int64_t border_ns = clock.placement->ToDevice(part.begin_ns);
          scan.last_ns = std::min(last_ns, SaturatingAdd(border_ns, -1));
          AddScan(scan);
          scan.from_ns = std::max(scan.from_ns, border_ns);
        }
        scan.hidden = !is_shown;
      });
      scan.last_ns = last_ns;
    }
    AddScan(scan);
  }

  void AddScan(const ClockScan& scan) {
    if (scan.from_ns > scan.last_ns || scan.clock.first_begin_ns > scan.last_ns ||
        scan.clock.last_begin_ns < scan.from_ns) {
      return;
    }
    scans_.push_back(scan);
  }

  // Whether some chunks can be read and others were erased.
  bool IsMixed() const {
    return keys_.has_erased_chunks || (keys_.has_live && !keys_.destroyed.empty());
  }

  db::BinaryParams PageParams(const ClockScan& scan) const {
    db::BinaryParams params;
    params.Add(query_.participant_id).Add(coverage_.stream->stream_id);
    params.Add(scan.clock.boot_id).Add(scan.clock.clock_id);
    params.Add(scan.from_ns).Add(scan.begin_ns).Add(scan.last_ns);
    params.Add(kChunksPerPage).Add(query_.join_gap_ns);
    if (IsMixed()) params.AddByteaArray(keys_.destroyed);
    return params;
  }

  absl::Status ReadPages() {
    const db::Statement& statement =
        IsMixed() ? sql::kListCoveredSpansByKey : sql::kListCoveredSpans;
    while (!scans_.empty()) {
      const size_t begin = scans_.size() - std::min(kPagesAtOnce, scans_.size());
      std::vector<db::BinaryParams> params;
      for (size_t i = begin; i < scans_.size(); ++i) params.push_back(PageParams(scans_[i]));
      TM_ASSIGN_OR_RETURN(
          const std::vector<db::BinaryResult> pages,
          parts_.pool->QueryEach(query_.participant_id, statement, params, deadline_));
      std::vector<ClockScan> unfinished;
      for (size_t i = begin; i < scans_.size(); ++i) {
        TM_ASSIGN_OR_RETURN(const bool goes_on, AddPage(scans_[i], pages[i - begin]));
        if (goes_on) unfinished.push_back(scans_[i]);
      }
      scans_.resize(begin);
      scans_.insert(scans_.end(), unfinished.begin(), unfinished.end());
    }
    return absl::OkStatus();
  }

  // Whether the scan goes on.
  absl::StatusOr<bool> AddPage(ClockScan& scan, const db::BinaryResult& rows) {
    TM_RETURN_IF_ERROR(
        (rows.Expect<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, db::Timestamp, bool>()));
    const bool is_placed = scan.clock.placement.has_value();
    int64_t chunks = 0;
    for (int i = 0; i < rows.rows(); ++i) {
      scan.from_ns = std::max(scan.from_ns, rows.Int64(i, 2));
      chunks += rows.Int64(i, 3);
      if (is_placed) AddSpan(*scan.clock.placement, rows, i);
      if (!is_placed) coverage_.unplaced_chunks += rows.Int64(i, 3);
      if (is_placed || !query_.study_range) AddCounts(scan, rows, i);
    }
    if (chunks < kChunksPerPage || scan.from_ns == kLastNs) return false;
    ++scan.from_ns;
    return is_placed || !query_.study_range || coverage_.unplaced_chunks < kUnplacedMax;
  }

  bool IsErased(const db::BinaryResult& rows, int row) const {
    return IsMixed() ? rows.Bool(row, 7) : !keys_.destroyed.empty();
  }

  // A stretch that has no place goes by its last arrival.
  bool IsHidden(const ClockScan& scan, const db::BinaryResult& rows, int row) const {
    return scan.clock.placement ? scan.hidden : !shown_.ShowsUnplaced(rows.TimestampUs(row, 6));
  }

  void AddCounts(const ClockScan& scan, const db::BinaryResult& rows, int row) {
    coverage_.chunks += rows.Int64(row, 3);
    coverage_.samples += rows.Int64(row, 4);
    coverage_.body_bytes += rows.Int64(row, 5);
    if (IsHidden(scan, rows, row) || IsErased(rows, row)) {
      coverage_.unreadable_chunks += rows.Int64(row, 3);
    }
    coverage_.last_arrival_us =
        std::max(coverage_.last_arrival_us.value_or(0), rows.TimestampUs(row, 6));
  }

  void AddSpan(const Placement& placement, const db::BinaryResult& rows, int row) {
    signal::TimeRange span{placement.ToStudy(rows.Int64(row, 0)),
                           SaturatingAdd(placement.ToStudy(rows.Int64(row, 1)), 1)};
    if (query_.study_range) {
      span.begin_ns = std::max(span.begin_ns, query_.study_range->begin_ns);
      span.end_ns = std::min(span.end_ns, query_.study_range->end_ns);
    }
    if (span.begin_ns >= span.end_ns) return;
    if (IsErased(rows, row)) return erased_.Add(span);
    shown_.placed.Split(span, [&](const signal::TimeRange& part, bool is_shown) {
      (is_shown ? readable_ : hidden_).Add(part);
    });
  }

  const SignalReader::Parts& parts_;
  const CoverageQuery& query_;
  const absl::Time deadline_;
  StreamKeys keys_;
  ShownTimes shown_;
  StreamCoverage coverage_;
  std::vector<ClockScan> scans_;
  SpanJoiner readable_;
  SpanJoiner erased_;
  SpanJoiner hidden_;
};

}  // namespace

absl::StatusOr<std::vector<StreamCoverage>> SignalReader::GetCoverage(const CoverageQuery& query,
                                                                      absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(std::vector<StreamInfoPtr> streams,
                      FindStreams(query.participant_id, query.stream_ids, deadline));
  const size_t ranges_max =
      std::clamp(kCoverageRangesTotalMax / std::max<size_t>(streams.size(), 1), kRangesMin,
                 kCoverageRangesMax);
  std::vector<StreamCoverage> answer;
  for (StreamInfoPtr& stream : streams) {
    StreamRun run(parts_, query, std::move(stream), ranges_max, deadline);
    TM_ASSIGN_OR_RETURN(StreamCoverage coverage, run.Run());
    answer.push_back(std::move(coverage));
  }
  return answer;
}

}  // namespace tidemark::store
