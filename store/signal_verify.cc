// SignalReader::VerifyStored.
#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "store/signal_reader.h"
#include "store/stored_chunk.h"

namespace tidemark::store {
namespace {

// One page over the streams of a query.
class Verification {
 public:
  Verification(const SignalReader::Parts& parts, const VerifyQuery& query, absl::Time deadline)
      : parts_(parts), query_(query), deadline_(deadline) {}

  absl::StatusOr<VerifiedPage> Run(const std::vector<StreamInfoPtr>& streams) {
    for (const StreamInfoPtr& stream : streams) {
      if (query_.after && stream->stream_id < query_.after->stream_id) continue;
      TM_RETURN_IF_ERROR(Stream(stream->stream_id));
      if (full_) return std::move(page_);
    }
    page_.last.reset();
    return std::move(page_);
  }

 private:
  absl::Status Stream(StreamId stream) {
    ChunkScan scan({parts_.pool, parts_.keys, query_.participant_id, stream, deadline_},
                   SegmentPart::kPayload);
    const bool resumed = query_.after && query_.after->stream_id == stream;
    scan.BeginEverything(resumed ? query_.after->chunk : ChunkPosition());
    while (!full_) {
      TM_ASSIGN_OR_RETURN(const bool more, scan.Next([&](const ChunkRow& row, const auto& segment) {
        return Chunk(row, segment);
      }));
      if (!more) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status Chunk(const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment) {
    page_.last = VerifyPosition{row.stream_id, {row.writer_id, row.number}};
    full_ = ++looked_at_ >= query_.chunks_max || (bytes_ += row.body_bytes) >= kVerifyBytesMax;
    if (absl::IsNotFound(segment.status())) return Fault(row, UnreadableReason::kErased);
    if (absl::IsDataLoss(segment.status())) return Fault(row, UnreadableReason::kDamaged);
    if (!segment.ok()) return segment.status();
    TM_ASSIGN_OR_RETURN(
        const StreamInfoPtr version,
        parts_.catalog->Find(query_.participant_id, row.stream_id, row.stream_version, deadline_));
    const absl::StatusOr<std::string> body = LoadBody(*version, row, *segment);
    if (!body.ok()) return Fault(row, ReasonOf(body.status()));
    if (Sha256(*body) != row.sha256) return Fault(row, UnreadableReason::kDamaged);
    ++page_.intact_chunks;
    page_.intact_bytes += static_cast<int64_t>(body->size());
    return absl::OkStatus();
  }

  absl::Status Fault(const ChunkRow& row, UnreadableReason reason) {
    page_.faults.push_back({reason, row.stream_id, row.writer_id, row.number, row.sha256});
    return absl::OkStatus();
  }

  const SignalReader::Parts& parts_;
  const VerifyQuery& query_;
  const absl::Time deadline_;
  VerifiedPage page_;
  int looked_at_ = 0;
  int64_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace

absl::StatusOr<VerifiedPage> SignalReader::VerifyStored(const VerifyQuery& query,
                                                        absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const std::vector<StreamInfoPtr> streams,
                      FindStreams(query.participant_id, query.stream_ids, deadline));
  return Verification(parts_, query, deadline).Run(streams);
}

}  // namespace tidemark::store
