// SignalReader::GetCoverage.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/status_macros.h"
#include "store/signal_reader.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

// Statements that travel to the database together.
constexpr size_t kQueriesAtOnce = 64;

// Chunks of one stream under one clock.
struct ClockTotals {
  StreamId stream_id;
  DeviceId device_id;
  BootId boot_id;
  uint32_t clock_id = 0;
  int64_t t_min_ns = 0;
  int64_t t_max_ns = 0;
  int64_t chunks = 0;
  int64_t samples = 0;
  int64_t body_bytes = 0;
  int64_t last_arrival_us = 0;
};

ClockTotals ReadTotals(const db::BinaryResult& rows, int row) {
  return {.stream_id = StreamId{rows.UuidAt(row, 0)},
          .device_id = DeviceId{rows.UuidAt(row, 1)},
          .boot_id = BootId{rows.UuidAt(row, 2)},
          .clock_id = static_cast<uint32_t>(rows.Int32(row, 3)),
          .t_min_ns = rows.Int64(row, 7),
          .t_max_ns = rows.Int64(row, 8),
          .chunks = rows.Int64(row, 4),
          .samples = rows.Int64(row, 5),
          .body_bytes = rows.Int64(row, 6),
          .last_arrival_us = rows.TimestampUs(row, 9)};
}

// Stretches of study time that come in any order, joined and bounded.
class SpanJoiner {
 public:
  explicit SpanJoiner(int64_t join_gap_ns) : join_gap_ns_(join_gap_ns) {}

  void Add(const signal::TimeRange& span) {
    spans_.push_back(span);
    if (spans_.size() >= 2 * (kCoverageRangesMax + 1)) Join();
  }
  // At most kCoverageRangesMax, the earliest ones.
  std::vector<signal::TimeRange> Finish(bool* truncated) && {
    Join();
    *truncated = cut_ || spans_.size() > kCoverageRangesMax;
    spans_.resize(std::min(spans_.size(), kCoverageRangesMax));
    return std::move(spans_);
  }
  void SetCut() { cut_ = true; }

 private:
  // Touching stretches are one whatever the gap.
  bool IsNear(const signal::TimeRange& before, const signal::TimeRange& after) const {
    return after.begin_ns <= before.end_ns ||
           after.begin_ns < SaturatingAdd(before.end_ns, join_gap_ns_);
  }
  void Join() {
    std::sort(spans_.begin(), spans_.end(),
              [](const auto& a, const auto& b) { return a.begin_ns < b.begin_ns; });
    size_t kept = 0;
    for (const signal::TimeRange& span : spans_) {
      if (kept > 0 && IsNear(spans_[kept - 1], span)) {
        spans_[kept - 1].end_ns = std::max(spans_[kept - 1].end_ns, span.end_ns);
      } else {
        spans_[kept++] = span;
      }
    }
    spans_.resize(kept);
    if (spans_.size() <= kCoverageRangesMax + 1) return;
    spans_.resize(kCoverageRangesMax + 1);
    cut_ = true;
  }

  const int64_t join_gap_ns_;
  std::vector<signal::TimeRange> spans_;
  bool cut_ = false;
};

// One call of GetCoverage: sums per clock, then the stretches of each clock that has a place and
// may overlap the range.
class CoverageRun {
 public:
  CoverageRun(const SignalReader::Parts& parts, const CoverageQuery& query, absl::Time deadline)
      : parts_(parts), query_(query), deadline_(deadline) {}

  absl::StatusOr<std::vector<StreamCoverage>> Run() {
    TM_RETURN_IF_ERROR(ReadStreams());
    TM_RETURN_IF_ERROR(ReadPlacements());
    TM_RETURN_IF_ERROR(ReadSums());
    TM_RETURN_IF_ERROR(ReadStoredBytes());
    TM_RETURN_IF_ERROR(ReadSpans());
    std::vector<StreamCoverage> streams;
    for (auto& [id, entry] : entries_) {
      StreamCoverage& coverage = entry.coverage;
      coverage.ranges = std::move(entry.spans).Finish(&coverage.truncated);
      streams.push_back(std::move(coverage));
    }
    return streams;
  }

 private:
  struct Entry {
    explicit Entry(int64_t join_gap_ns) : spans(join_gap_ns) {}
    StreamCoverage coverage;
    SpanJoiner spans;
  };
  struct PlacedClock {
    ClockTotals totals;
    Placement placement;
  };
  using ClockKey = std::tuple<DeviceId, BootId, uint32_t>;

  absl::Status ReadStreams() {
    TM_ASSIGN_OR_RETURN(std::vector<StreamInfoPtr> streams,
                        parts_.catalog->List(query_.participant_id, deadline_));
    for (StreamInfoPtr& stream : streams) {
      const StreamId id = stream->stream_id;
      entries_.emplace(id, query_.join_gap_ns).first->second.coverage.stream = std::move(stream);
    }
    return absl::OkStatus();
  }

  absl::Status ReadPlacements() {
    TM_ASSIGN_OR_RETURN(const std::vector<DevicePlacement> placements,
                        parts_.placements->ForParticipant(query_.participant_id, deadline_));
    for (const DevicePlacement& each : placements) {
      const Placement& placement = each.placement;
      placements_.emplace(ClockKey{each.device_id, placement.boot_id, placement.clock_id},
                          placement);
    }
    return absl::OkStatus();
  }

  absl::Status ReadSums() {
    db::BinaryParams params;
    params.Add(query_.participant_id);
    TM_ASSIGN_OR_RETURN(
        const db::BinaryResult rows,
        parts_.pool->Query(query_.participant_id, sql::kSumChunks, params, deadline_));
    for (int i = 0; i < rows.rows(); ++i) AddTotals(ReadTotals(rows, i));
    return absl::OkStatus();
  }

  void AddTotals(const ClockTotals& totals) {
    const auto entry = entries_.find(totals.stream_id);
    if (entry == entries_.end()) return;  // declared and uploaded since the streams were read
    StreamCoverage& coverage = entry->second.coverage;
    coverage.chunks += totals.chunks;
    coverage.samples += totals.samples;
    coverage.body_bytes += totals.body_bytes;
    coverage.last_arrival_us =
        std::max(coverage.last_arrival_us.value_or(totals.last_arrival_us), totals.last_arrival_us);
    const auto placement =
        placements_.find(ClockKey{totals.device_id, totals.boot_id, totals.clock_id});
    if (placement == placements_.end()) {
      coverage.unplaced_chunks += totals.chunks;
    } else if (Overlaps(totals, placement->second)) {
      clocks_.push_back({totals, placement->second});
    }
  }

  bool Overlaps(const ClockTotals& totals, const Placement& placement) const {
    if (!query_.study_range) return true;
    return placement.ToStudy(totals.t_min_ns) < query_.study_range->end_ns &&
           placement.ToStudy(totals.t_max_ns) >= query_.study_range->begin_ns;
  }

  absl::Status ReadStoredBytes() {
    db::BinaryParams params;
    params.Add(query_.participant_id);
    TM_ASSIGN_OR_RETURN(
        const db::BinaryResult rows,
        parts_.pool->Query(query_.participant_id, sql::kSumStoredBytes, params, deadline_));
    for (int i = 0; i < rows.rows(); ++i) {
      const auto entry = entries_.find(StreamId{rows.UuidAt(i, 0)});
      if (entry != entries_.end()) entry->second.coverage.stored_bytes = rows.Int64(i, 1);
    }
    return absl::OkStatus();
  }

  db::BinaryParams SpanParams(const PlacedClock& clock) const {
    const ClockTotals& totals = clock.totals;
    int64_t begin_ns = totals.t_min_ns;
    int64_t end_ns = SaturatingAdd(totals.t_max_ns, 1);
    if (query_.study_range) {
      begin_ns = SaturatingAdd(clock.placement.ToDevice(query_.study_range->begin_ns), -1);
      end_ns = SaturatingAdd(clock.placement.ToDevice(query_.study_range->end_ns), 1);
    }
    db::BinaryParams params;
    params.Add(query_.participant_id).Add(totals.stream_id).Add(totals.boot_id);
    params.Add(SaturatingAdd(begin_ns, -kChunkSpanNsMax)).Add(begin_ns).Add(end_ns);
    params.Add(query_.join_gap_ns).Add(static_cast<int32_t>(totals.clock_id));
    params.Add(int64_t{kCoverageRangesMax} + 1);
    return params;
  }

  absl::Status ReadSpans() {
    for (size_t begin = 0; begin < clocks_.size(); begin += kQueriesAtOnce) {
      const size_t end = std::min(begin + kQueriesAtOnce, clocks_.size());
      std::vector<db::BinaryParams> params;
      for (size_t i = begin; i < end; ++i) params.push_back(SpanParams(clocks_[i]));
      TM_ASSIGN_OR_RETURN(
          const std::vector<db::BinaryResult> results,
          parts_.pool->QueryEach(query_.participant_id, sql::kListCoveredSpans, params, deadline_));
      for (size_t i = begin; i < end; ++i) AddSpans(clocks_[i], results[i - begin]);
    }
    return absl::OkStatus();
  }

  void AddSpans(const PlacedClock& clock, const db::BinaryResult& rows) {
    SpanJoiner& spans = entries_.at(clock.totals.stream_id).spans;
    if (static_cast<size_t>(rows.rows()) > kCoverageRangesMax) spans.SetCut();
    for (int i = 0; i < rows.rows(); ++i) {
      signal::TimeRange span{clock.placement.ToStudy(rows.Int64(i, 0)),
                             SaturatingAdd(clock.placement.ToStudy(rows.Int64(i, 1)), 1)};
      if (query_.study_range) {
        span.begin_ns = std::max(span.begin_ns, query_.study_range->begin_ns);
        span.end_ns = std::min(span.end_ns, query_.study_range->end_ns);
      }
      if (span.begin_ns < span.end_ns) spans.Add(span);
    }
  }

  const SignalReader::Parts& parts_;
  const CoverageQuery& query_;
  const absl::Time deadline_;
  std::map<StreamId, Entry> entries_;
  std::map<ClockKey, Placement> placements_;
  std::vector<PlacedClock> clocks_;
};

}  // namespace

absl::StatusOr<std::vector<StreamCoverage>> SignalReader::GetCoverage(const CoverageQuery& query,
                                                                      absl::Time deadline) {
  return CoverageRun(parts_, query, deadline).Run();
}

}  // namespace tidemark::store
