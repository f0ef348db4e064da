#include "store/signal_reader.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "store/epoch_cuts.h"

namespace tidemark::store {

absl::StatusOr<StreamInfoPtr> SignalReader::FindStream(ParticipantId participant, StreamId stream,
                                                       absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const std::vector<StreamInfoPtr> found,
                      FindStreams(participant, {stream}, deadline));
  return found.front();
}

absl::StatusOr<std::vector<StreamInfoPtr>> SignalReader::FindStreams(ParticipantId participant,
                                                                     std::vector<StreamId> streams,
                                                                     absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(std::vector<StreamInfoPtr> all, parts_.catalog->List(participant, deadline));
  if (streams.empty()) return all;
  std::sort(streams.begin(), streams.end());
  streams.erase(std::unique(streams.begin(), streams.end()), streams.end());
  std::erase_if(all, [&](const StreamInfoPtr& info) {
    return !std::binary_search(streams.begin(), streams.end(), info->stream_id);
  });
  if (all.size() != streams.size()) {
    return absl::NotFoundError("the participant has no such stream");
  }
  return all;
}

absl::StatusOr<std::unique_ptr<SampleReading>> SignalReader::OpenSamples(const SampleQuery& query,
                                                                         absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const StreamInfoPtr stream,
                      FindStream(query.participant_id, query.stream_id, deadline));
  if (stream->kind == PayloadKind::kRecords) {
    return absl::InvalidArgumentError("stream_ids: a stream of records has no samples");
  }
  const ChunkScan::Target target = TargetOf(query.participant_id, query.stream_id, deadline);
  if (std::holds_alternative<StudyRange>(query.range)) {
    TM_RETURN_IF_ERROR(RefuseCutBoots(target, stream->device_id));
  }
  return std::make_unique<SampleReading>(
      SampleReading::Parts{target, parts_.catalog, parts_.placements, parts_.consent,
                           stream->device_id},
      query);
}

}  // namespace tidemark::store
