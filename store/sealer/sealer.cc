#include "store/sealer/sealer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "core/signal/tiles.h"
#include "store/envelope.h"
#include "store/opened_segment.h"
#include "store/stored_chunk.h"

namespace tidemark::sealer {
namespace {

using store::OpenedSegment;
using store::SlotForm;

// What a stream has at least before it is looked at, unless it waits for long.
constexpr int64_t kLookSegments = 16;
constexpr int64_t kLookBytes = 128 << 10;
// Streams of which it is remembered that nothing was to do.
constexpr size_t kWaitingStreamsMax = 65'536;
// Payloads in memory together, before they are decoded.
constexpr size_t kPayloadsPerQuery = 16;
constexpr absl::Duration kCatalogMost = absl::Seconds(10);

// A fault of one segment: it stays as it is, and everything else goes on.
struct SegmentFault {
  SegmentId segment_id;
  absl::Status problem;
};

// The chunks of a run that is to be, read and decoded.
class RunReader {
 public:
  RunReader(SealStore& store, store::KeyStore& keys, store::StreamCatalog& catalog,
            const StreamClaim& claim)
      : store_(store), keys_(keys), catalog_(catalog), claim_(claim) {}

  // Sorts by number. Nothing is left in fault() unless this fails with DATA_LOSS.
  absl::Status Read(std::vector<store::ChunkRow> rows) {
    std::sort(rows.begin(), rows.end(), [](const store::ChunkRow& a, const store::ChunkRow& b) {
      return a.number < b.number;
    });
    std::set<SegmentId> distinct;
    for (const store::ChunkRow& row : rows) distinct.insert(row.segment_id);
    sources_.assign(distinct.begin(), distinct.end());
    TM_ASSIGN_OR_RETURN(
        stream_, catalog_.Find(claim_.participant_id, claim_.stream_id, rows.front().stream_version,
                               absl::Now() + kCatalogMost));
    TM_RETURN_IF_ERROR(OpenSources());
    chunks_.reserve(rows.size());
    for (store::ChunkRow& row : rows) TM_RETURN_IF_ERROR(AddChunk(std::move(row)));
    return absl::OkStatus();
  }

  StreamShape shape() const {
    if (stream_->kind != store::PayloadKind::kSamples) return {};
    return {stream_->channel_types(), signal::GapThresholdNs(stream_->period_ns)};
  }
  const std::vector<SourceChunk>& chunks() const { return chunks_; }
  const std::vector<SegmentId>& sources() const { return sources_; }
  int64_t source_bytes() const { return source_bytes_; }
  const std::optional<SegmentFault>& fault() const { return fault_; }

 private:
  absl::Status Blame(SegmentId segment, const absl::Status& status) {
    if (absl::IsDataLoss(status)) fault_ = SegmentFault{segment, status};
    return status;
  }

  absl::Status OpenSources() {
    for (size_t begin = 0; begin < sources_.size(); begin += kPayloadsPerQuery) {
      const size_t count = std::min(kPayloadsPerQuery, sources_.size() - begin);
      const std::span<const SegmentId> some =
          std::span<const SegmentId>(sources_).subspan(begin, count);
      TM_ASSIGN_OR_RETURN(const std::vector<SourcePayload> payloads, store_.Payloads(claim_, some));
      if (payloads.size() != some.size()) {
        return absl::AbortedError("a segment has gone meanwhile");
      }
      for (const SourcePayload& payload : payloads) TM_RETURN_IF_ERROR(Open(payload));
    }
    return absl::OkStatus();
  }

  absl::Status Open(const SourcePayload& payload) {
    const store::EnvelopePlace place{"segment.payload", claim_.participant_id,
                                     payload.segment_id.AsBytes()};
    absl::StatusOr<store::OpenedEnvelope> opened =
        store::OpenEnvelope(keys_, place, claim_.stream_id, payload.sealed);
    if (opened.ok() && opened->codec != store::EnvelopeCodec::kSegment) {
      opened = absl::DataLossError("a segment has an unknown codec");
    }
    if (!opened.ok()) return Blame(payload.segment_id, opened.status());
    source_bytes_ += static_cast<int64_t>(payload.sealed.size());
    opened_.emplace(payload.segment_id, OpenedSegment(std::move(opened->plain)));
    return absl::OkStatus();
  }

  absl::Status AddChunk(store::ChunkRow row) {
    SourceChunk chunk;
    const absl::Status read = ReadChunk(row, chunk);
    if (!read.ok()) return Blame(row.segment_id, read);
    chunk.row = std::move(row);
    chunks_.push_back(std::move(chunk));
    return absl::OkStatus();
  }

  absl::Status ReadChunk(const store::ChunkRow& row, SourceChunk& chunk) const {
    if (row.is_erased()) {
      chunk.slot.form = SlotForm::kErased;
      return absl::OkStatus();
    }
    const OpenedSegment& segment = opened_.at(row.segment_id);
    const auto slot = store::FindSlot(segment.packed(), row.segment_slot);
    if (!slot.ok()) return absl::DataLossError(slot.status().message());
    chunk.source_bytes = slot->bytes.size();
    chunk.slot.form = slot->form;
    if (slot->form != SlotForm::kJoint) chunk.slot.bytes = std::string(slot->bytes);
    if (row.kind == store::PayloadKind::kSamples) {
      TM_ASSIGN_OR_RETURN(chunk.block, store::LoadSamples(*stream_, row, segment));
      // What a part of a joint block weighs is not known; about half of what it decodes to.
      if (slot->form == SlotForm::kJoint) chunk.source_bytes = chunk.block->values.size() / 2;
    } else if (slot->form != SlotForm::kBody) {
      return absl::DataLossError("a chunk without samples has an unknown form");
    }
    return absl::OkStatus();
  }

  SealStore& store_;
  store::KeyStore& keys_;
  store::StreamCatalog& catalog_;
  const StreamClaim& claim_;
  std::shared_ptr<const store::StreamInfo> stream_;
  std::vector<SegmentId> sources_;
  std::map<SegmentId, OpenedSegment> opened_;
  std::vector<SourceChunk> chunks_;
  int64_t source_bytes_ = 0;
  std::optional<SegmentFault> fault_;
};

int64_t BytesOf(std::span<const PackedRun> runs) {
  size_t bytes = 0;
  for (const PackedRun& run : runs) {
    for (const PackedSegment& segment : run.segments) bytes += segment.packed.size();
    for (const std::string& level : run.tiles) bytes += level.size();
  }
  return static_cast<int64_t>(bytes);
}

absl::Time NewestArrival(std::span<const SourceChunk> chunks) {
  int64_t newest_us = 0;
  for (const SourceChunk& chunk : chunks) newest_us = std::max(newest_us, chunk.row.arrived_at_us);
  return absl::FromUnixMicros(newest_us);
}

// The database or the key store is away: the next stream would meet the same.
bool EndsTheRound(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsUnknown(status) || absl::IsCancelled(status);
}

}  // namespace

absl::StatusOr<std::vector<LiveStream>> Sealer::AllLiveStreams() {
  const absl::Time now = options_.clock->Now();
  std::vector<LiveStream> all;
  TM_ASSIGN_OR_RETURN(const std::vector<StudyId> studies, store_.Studies());
  for (const StudyId study : studies) {
    LiveStream after;
    while (true) {
      TM_ASSIGN_OR_RETURN(const std::vector<LiveStream> page,
                          store_.LiveStreams(study, after, now));
      all.insert(all.end(), page.begin(), page.end());
      if (static_cast<int64_t>(page.size()) < kLiveStreamsPerPage) break;
      after = page.back();
    }
  }
  return all;
}

absl::StatusOr<SealBacklog> Sealer::Backlog() {
  TM_ASSIGN_OR_RETURN(const std::vector<LiveStream> streams, AllLiveStreams());
  SealBacklog backlog;
  absl::Time oldest = absl::InfiniteFuture();
  for (const LiveStream& stream : streams) {
    ++backlog.streams;
    backlog.segments += stream.segments;
    backlog.bytes += stream.bytes;
    oldest = std::min(oldest, stream.oldest);
  }
  if (!streams.empty()) {
    backlog.oldest = std::max(options_.clock->Now() - oldest, absl::ZeroDuration());
  }
  TM_ASSIGN_OR_RETURN(const std::vector<StudyId> studies, store_.Studies());
  for (const StudyId study : studies) {
    TM_ASSIGN_OR_RETURN(const int64_t faults, store_.CountFaults(study));
    backlog.faults += faults;
  }
  return backlog;
}

// A stream that waits for its numbers is not planned anew for every chunk.
bool Sealer::IsWorthALook(const LiveStream& stream) const {
  const absl::Time now = options_.clock->Now();
  if (now - stream.oldest >= options_.patience.wait_max ||
      now - stream.newest >= options_.patience.quiet) {
    return true;
  }
  if (stream.segments < kLookSegments && stream.bytes < kLookBytes) return false;
  const auto waited = waiting_segments_.find(stream.stream_id);
  return waited == waiting_segments_.end() || stream.segments > waited->second * 5 / 4;
}

absl::StatusOr<int64_t> Sealer::RunOnce(SealPacer& pacer) {
  TM_ASSIGN_OR_RETURN(const std::vector<LiveStream> streams, AllLiveStreams());
  bytes_waiting_ = 0;
  for (const LiveStream& stream : streams) {
    if (IsWorthALook(stream)) bytes_waiting_ += stream.bytes;
  }
  if (waiting_segments_.size() > kWaitingStreamsMax) waiting_segments_.clear();
  int64_t sealed = 0;
  for (const LiveStream& stream : streams) {
    if (pacer.IsStopping()) break;
    if (IsWorthALook(stream)) {
      const absl::StatusOr<int64_t> runs = SealStream(stream, pacer);
      if (!runs.ok() && EndsTheRound(runs.status())) return runs.status();
      if (!runs.ok())
        LogWarning("a stream is not sealed: {}", std::string(runs.status().message()));
      if (runs.ok()) sealed += *runs;
      if (runs.ok() && *runs == 0) {
        waiting_segments_[stream.stream_id] = stream.segments;
      } else {
        waiting_segments_.erase(stream.stream_id);
      }
      bytes_waiting_ -= stream.bytes;
    }
  }
  // Only what may still wait is left.
  bytes_waiting_ = 0;
  if (sealed > 0 || pacer.IsStopping()) return sealed;
  return PackQuickRuns(pacer);
}

absl::StatusOr<int64_t> Sealer::PackQuickRuns(SealPacer& pacer) {
  int64_t packed = 0;
  TM_ASSIGN_OR_RETURN(const std::vector<StudyId> studies, store_.Studies());
  for (const StudyId study : studies) {
    TM_ASSIGN_OR_RETURN(const std::vector<SealStore::QuickRuns> quick, store_.ListQuickRuns(study));
    for (const SealStore::QuickRuns& each : quick) {
      if (pacer.IsStopping()) return packed;
      TM_ASSIGN_OR_RETURN(const std::optional<StreamClaim> claim, store_.Claim(each.stream));
      if (!claim) continue;
      const absl::StatusOr<int64_t> runs = SealEach(*claim, each.runs, {}, pacer);
      if (!runs.ok() && EndsTheRound(runs.status())) return runs.status();
      TM_RETURN_IF_ERROR(store_.Release(*claim));
      if (runs.ok()) packed += *runs;
    }
  }
  return packed;
}

absl::StatusOr<int64_t> Sealer::SealStream(const LiveStream& stream, SealPacer& pacer) {
  TM_ASSIGN_OR_RETURN(const std::optional<StreamClaim> claim, store_.Claim(stream));
  if (!claim) return 0;
  const absl::StatusOr<int64_t> sealed = SealPlanned(*claim, pacer);
  // A lease that is not given back ends by itself.
  const absl::Status released = store_.Release(*claim);
  if (sealed.ok()) TM_RETURN_IF_ERROR(released);
  return sealed;
}

absl::StatusOr<int64_t> Sealer::SealPlanned(const StreamClaim& claim, SealPacer& pacer) {
  const absl::Time now = options_.clock->Now();
  TM_ASSIGN_OR_RETURN(const SealStore::StreamContent content, store_.Read(claim, now));
  const SealPlan plan =
      PlanRuns(content.live, content.open, content.settled, now, options_.patience);
  if (!plan.finished.empty()) TM_RETURN_IF_ERROR(store_.CloseRuns(claim, plan.finished));
  return SealEach(claim, plan.runs, content.live, pacer);
}

absl::StatusOr<int64_t> Sealer::SealEach(const StreamClaim& claim, std::span<const PlannedRun> runs,
                                         std::span<const StoredChunkRow> live, SealPacer& pacer) {
  int64_t sealed = 0;
  for (const PlannedRun& run : runs) {
    if (pacer.IsStopping()) break;
    const absl::Time began = absl::Now();
    const absl::Status done = SealRun(claim, run, live);
    pacer.Rest(absl::Now() - began, bytes_waiting_);
    if (absl::IsDataLoss(done)) continue;  // noted
    if (absl::IsAborted(done)) {
      ++totals_.collisions;
      break;
    }
    TM_RETURN_IF_ERROR(done);
    ++sealed;
  }
  return sealed;
}

absl::Status Sealer::SealRun(const StreamClaim& claim, const PlannedRun& run,
                             std::span<const StoredChunkRow> live) {
  std::vector<store::ChunkRow> rows;
  for (const size_t place : run.live) rows.push_back(live[place].row);
  if (!run.merged.empty()) {
    TM_ASSIGN_OR_RETURN(const std::vector<StoredChunkRow> merged,
                        store_.ChunksOf(claim, run.merged));
    for (const StoredChunkRow& chunk : merged) {
      if (chunk.group() != run.group) return absl::AbortedError("a run was sealed anew meanwhile");
      rows.push_back(chunk.row);
    }
  }
  if (rows.empty()) return absl::AbortedError("runs have gone meanwhile");
  RunReader reader(store_, *options_.keys, *options_.catalog, claim);
  const absl::Status read = reader.Read(std::move(rows));
  if (const auto& fault = reader.fault()) {
    TM_RETURN_IF_ERROR(NoteFault(claim, fault->segment_id, fault->problem));
    const bool is_live = std::any_of(run.live.begin(), run.live.end(), [&](size_t place) {
      return live[place].row.segment_id == fault->segment_id;
    });
    // A run that holds what cannot be read is left as it is.
    if (!is_live) TM_RETURN_IF_ERROR(store_.LeaveRuns(claim, run.merged));
    return fault->problem;
  }
  TM_RETURN_IF_ERROR(read);
  TM_ASSIGN_OR_RETURN(const store::DataKeyName name,
                      store::ParseKeyName(claim.stream_id, run.group.key_name));
  TM_ASSIGN_OR_RETURN(const store::DataKey key, options_.keys->Find(claim.participant_id, name));
  const signal::Effort effort = IsInAHurry() ? signal::Effort::kLive : signal::Effort::kDense;
  TM_ASSIGN_OR_RETURN(const std::vector<PackedRun> packed,
                      PackRuns(reader.shape(), reader.chunks(), effort));
  TM_RETURN_IF_ERROR(store_.Swap(claim, {.plan = &run,
                                         .key = &key,
                                         .chunks = reader.chunks(),
                                         .runs = packed,
                                         .dense = effort == signal::Effort::kDense,
                                         .sources = reader.sources(),
                                         .arrived = NewestArrival(reader.chunks()),
                                         .now = options_.clock->Now()}));
  totals_.runs += static_cast<int64_t>(packed.size());
  if (effort == signal::Effort::kLive) totals_.quick_runs += static_cast<int64_t>(packed.size());
  totals_.chunks += static_cast<int64_t>(reader.chunks().size());
  totals_.source_bytes += reader.source_bytes();
  totals_.sealed_bytes += BytesOf(packed);
  return absl::OkStatus();
}

absl::Status Sealer::NoteFault(const StreamClaim& claim, SegmentId segment,
                               const absl::Status& problem) {
  ++totals_.faults;
  LogError("segment {} is not sealed: {}", segment.ToString(), std::string(problem.message()));
  return store_.NoteFault(claim, segment, std::string(problem.message()), options_.clock->Now());
}

}  // namespace tidemark::sealer
