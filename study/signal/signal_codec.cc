#include "study/signal/signal_codec.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

#include "base/endian.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/fields.h"

namespace tidemark::study {
namespace {

constexpr int kStreamsMax = 64;
constexpr int kChannelsMax = 64;
constexpr uint32_t kWidthMax = 16'384;
constexpr uint32_t kClockIdMax = 65'535;
constexpr uint32_t kDefaultJoinGapsMs = 10'000;
constexpr int64_t kNsPerMs = 1'000'000;

absl::StatusOr<signal::TimeRange> DecodeRange(const std::string& field,
                                              const v1::TimeRange& range) {
  if (range.begin_ns() >= range.end_ns()) {
    return rpc::FieldError(field, "begins before it ends");
  }
  return signal::TimeRange{range.begin_ns(), range.end_ns()};
}

absl::StatusOr<store::ReadRange> DecodeReadRange(const v1::ReadSamplesRequest& request) {
  switch (request.range_case()) {
    case v1::ReadSamplesRequest::kStudyRange: {
      TM_ASSIGN_OR_RETURN(const signal::TimeRange range,
                          DecodeRange("study_range", request.study_range()));
      return store::StudyRange{range};
    }
    case v1::ReadSamplesRequest::kDeviceRange: {
      const v1::DeviceTimeRange& device = request.device_range();
      store::ScanRange range;
      TM_ASSIGN_OR_RETURN(range.boot_id, ParseId<BootId>("device_range.boot_id", device.boot_id()));
      if (device.clock_id() > kClockIdMax) {
        return rpc::FieldError("device_range.clock_id", "is below 65,536");
      }
      range.clock_id = device.clock_id();
      TM_ASSIGN_OR_RETURN(range.device, DecodeRange("device_range.range", device.range()));
      return range;
    }
    case v1::ReadSamplesRequest::kEverything:
      if (!request.everything()) return rpc::FieldError("everything", "is true if it is given");
      return store::EverythingRange{};
    case v1::ReadSamplesRequest::RANGE_NOT_SET:
      break;
  }
  return rpc::FieldError("range", "is one of study_range, device_range and everything");
}

absl::Status CheckChannels(const v1::ReadSamplesRequest& request) {
  if (request.channels_size() > kChannelsMax) {
    return rpc::FieldError("channels", "has at most 64 entries");
  }
  const std::set<std::string> unique(request.channels().begin(), request.channels().end());
  if (unique.size() != static_cast<size_t>(request.channels_size())) {
    return rpc::FieldError("channels", "names each channel once");
  }
  return absl::OkStatus();
}

// The streams of a filter; none for all.
absl::StatusOr<std::vector<StreamId>> DecodeStreams(
    const google::protobuf::RepeatedPtrField<std::string>& texts) {
  if (texts.size() > kStreamsMax) return rpc::FieldError("stream_ids", "has at most 64 entries");
  std::vector<StreamId> streams;
  for (const std::string& text : texts) {
    TM_ASSIGN_OR_RETURN(const StreamId stream, ParseId<StreamId>("stream_ids", text));
    streams.push_back(stream);
  }
  return streams;
}

v1::UnreadableReason EncodeReason(store::UnreadableReason reason) {
  return static_cast<v1::UnreadableReason>(reason);
}

v1::TimeRange EncodeRange(const signal::TimeRange& range) {
  v1::TimeRange encoded;
  encoded.set_begin_ns(range.begin_ns);
  encoded.set_end_ns(range.end_ns);
  return encoded;
}

void EncodeEdge(const signal::EdgeSample& edge, v1::EdgeSample* to) {
  to->set_study_ns(edge.t_ns);
  to->mutable_values()->Add(edge.values.begin(), edge.values.end());
}

void EncodeChannel(const std::vector<signal::Column>& columns, size_t channel,
                   v1::OverviewChannel* to) {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  for (const signal::Column& column : columns) {
    const signal::Extremes& extremes = column.channels[channel];
    AppendLe(*to->mutable_min(), extremes.finite == 0 ? kNothing : extremes.min);
    AppendLe(*to->mutable_max(), extremes.finite == 0 ? kNothing : extremes.max);
  }
}

void EncodeUnreadableRange(const store::UnreadableRange& range, v1::UnreadableRange* to) {
  *to->mutable_range() = EncodeRange(range.study);
  to->set_reason(EncodeReason(range.reason));
}

// Of a cursor: stream, writer and number, each in its fixed width.
constexpr size_t kIdBytes = 16;
constexpr size_t kPositionBytes = 2 * kIdBytes + sizeof(int64_t);

}  // namespace

absl::StatusOr<std::vector<store::SampleQuery>> DecodeReadSamples(
    ParticipantId participant, const v1::ReadSamplesRequest& request) {
  if (request.stream_ids().empty() || request.stream_ids_size() > kStreamsMax) {
    return rpc::FieldError("stream_ids", "has 1 to 64 entries");
  }
  TM_ASSIGN_OR_RETURN(const store::ReadRange range, DecodeReadRange(request));
  TM_RETURN_IF_ERROR(CheckChannels(request));
  std::vector<store::SampleQuery> queries;
  for (const std::string& text : request.stream_ids()) {
    TM_ASSIGN_OR_RETURN(const StreamId stream, ParseId<StreamId>("stream_ids", text));
    queries.push_back({.participant_id = participant,
                       .stream_id = stream,
                       .range = range,
                       .channels = {request.channels().begin(), request.channels().end()},
                       .whole_chunks = request.whole_chunks()});
  }
  return queries;
}

absl::StatusOr<store::OverviewQuery> DecodeGetOverview(ParticipantId participant,
                                                       const v1::GetOverviewRequest& request) {
  store::OverviewQuery query{.participant_id = participant, .stream_id = {}, .study_range = {}};
  TM_ASSIGN_OR_RETURN(query.stream_id, ParseId<StreamId>("stream_id", request.stream_id()));
  TM_ASSIGN_OR_RETURN(query.study_range, DecodeRange("study_range", request.study_range()));
  if (request.width() < 1 || request.width() > kWidthMax) {
    return rpc::FieldError("width", "is 1 to 16,384");
  }
  query.width = request.width();
  return query;
}

absl::StatusOr<store::CoverageQuery> DecodeGetCoverage(ParticipantId participant,
                                                       const v1::GetCoverageRequest& request) {
  store::CoverageQuery query{
      .participant_id = participant, .study_range = std::nullopt, .stream_ids = {}};
  if (request.has_study_range()) {
    TM_ASSIGN_OR_RETURN(query.study_range, DecodeRange("study_range", request.study_range()));
  }
  const uint32_t join_gaps_ms =
      request.join_gaps_ms() == 0 ? kDefaultJoinGapsMs : request.join_gaps_ms();
  query.join_gap_ns = int64_t{join_gaps_ms} * kNsPerMs;
  TM_ASSIGN_OR_RETURN(query.stream_ids, DecodeStreams(request.stream_ids()));
  return query;
}

absl::StatusOr<store::VerifyQuery> DecodeVerifyStored(ParticipantId participant,
                                                      const v1::VerifyStoredRequest& request,
                                                      std::string_view cursor) {
  store::VerifyQuery query{.participant_id = participant, .stream_ids = {}, .after = std::nullopt};
  TM_ASSIGN_OR_RETURN(query.stream_ids, DecodeStreams(request.stream_ids()));
  if (cursor.size() != kPositionBytes) return query;
  TM_ASSIGN_OR_RETURN(const StreamId stream, StreamId::FromBytes(cursor.substr(0, kIdBytes)));
  TM_ASSIGN_OR_RETURN(const WriterId writer,
                      WriterId::FromBytes(cursor.substr(kIdBytes, kIdBytes)));
  query.after = {stream, {writer, LoadLe<int64_t>(cursor.data() + 2 * kIdBytes)}};
  return query;
}

void EncodeStream(const store::StreamInfo& stream, v1::Stream* to) {
  to->set_stream_id(stream.stream_id.ToString());
  to->set_device_id(stream.device_id.ToString());
  to->set_name(stream.name);
  to->set_version(static_cast<uint32_t>(stream.version));
  to->mutable_declaration()->ParseFromString(stream.declaration);
  *to->mutable_declared_at() = TimestampOfUs(stream.declared_at_us);
}

void EncodePlacement(const store::Placement& placement, v1::ClockPlacement* to) {
  to->set_boot_id(placement.boot_id.ToString());
  to->set_clock_id(placement.clock_id);
  to->set_model_version(placement.model_version);
  to->set_anchor_device_ns(placement.anchor_device_ns);
  to->set_anchor_study_ns(placement.anchor_study_ns);
  to->set_rate_ppb(placement.rate_ppb);
  if (placement.sigma_ns) to->set_sigma_ns(*placement.sigma_ns);
  if (placement.bound_ns) to->set_bound_ns(*placement.bound_ns);
}

void EncodeBlock(const store::ReadBlock& block, v1::SampleBlock* to) {
  const store::ChunkRow& chunk = block.chunk;
  to->set_stream_id(chunk.stream_id.ToString());
  to->set_stream_version(static_cast<uint32_t>(chunk.stream_version));
  to->set_writer_id(chunk.writer_id.ToString());
  to->set_number(static_cast<uint64_t>(chunk.number));
  to->set_boot_id(chunk.boot_id.ToString());
  to->set_clock_id(static_cast<uint32_t>(chunk.clock_id));
  to->set_first_counter(block.first_counter);
  to->set_count(block.count);
  to->set_stamps_device_ns(block.stamps_ns.data(), block.stamps_ns.size_bytes());
  to->set_values(block.values.data(), block.values.size());
  to->set_encoded(block.encoded.data(), block.encoded.size());
  if (chunk.flags == 0 && chunk.outlier_stamps == 0) return;
  v1::ChunkFlags& flags = *to->mutable_flags();
  flags.set_outlier_stamps(static_cast<uint32_t>(chunk.outlier_stamps));
  flags.set_repeated_stamp((chunk.flags & store::kFlagRepeatedStamp) != 0);
  flags.set_backward_stamp((chunk.flags & store::kFlagBackwardStamp) != 0);
}

void EncodeUnreadable(const store::UnreadableChunks& chunks, v1::UnreadableChunks* to) {
  to->set_reason(EncodeReason(chunks.reason));
  to->set_stream_id(chunks.stream_id.ToString());
  to->set_writer_id(chunks.writer_id.ToString());
  to->set_first_number(static_cast<uint64_t>(chunks.first_number));
  to->set_last_number(static_cast<uint64_t>(chunks.last_number));
  if (chunks.reason == store::UnreadableReason::kQuarantined) return;
  to->set_boot_id(chunks.boot_id.ToString());
  to->set_clock_id(static_cast<uint32_t>(chunks.clock_id));
  *to->mutable_device_range() = EncodeRange(chunks.device);
  to->set_samples(static_cast<uint64_t>(chunks.samples));
}

void EncodeOverview(const store::SignalOverview& overview, v1::GetOverviewResponse* to) {
  const signal::Overview& picture = overview.overview;
  to->set_width(static_cast<uint32_t>(picture.columns.size()));
  for (const signal::Column& column : picture.columns) {
    AppendLe(*to->mutable_counts(),
             static_cast<uint32_t>(std::min<uint64_t>(column.samples, UINT32_MAX)));
  }
  const std::vector<store::ChannelInfo>& channels = overview.stream->channels;
  for (size_t i = 0; i < channels.size(); ++i) {
    v1::OverviewChannel& channel = *to->add_channels();
    channel.set_name(channels[i].name);
    EncodeChannel(picture.columns, i, &channel);
  }
  for (const signal::TimeRange& gap : picture.gaps) *to->add_gaps() = EncodeRange(gap);
  if (picture.before) EncodeEdge(*picture.before, to->mutable_before());
  if (picture.after) EncodeEdge(*picture.after, to->mutable_after());
  for (const store::Placement& placement : overview.placements) {
    EncodePlacement(placement, to->add_placements());
  }
  to->set_from_samples(overview.from_samples);
  for (const store::UnreadableRange& range : overview.unreadable) {
    EncodeUnreadableRange(range, to->add_unreadable());
  }
}

void EncodeCoverage(const store::StreamCoverage& coverage, v1::StreamCoverage* to) {
  EncodeStream(*coverage.stream, to->mutable_stream());
  for (const signal::TimeRange& range : coverage.ranges) *to->add_ranges() = EncodeRange(range);
  to->set_joined_gaps_ns(static_cast<uint64_t>(coverage.joined_gap_ns));
  for (const store::UnreadableRange& range : coverage.unreadable) {
    EncodeUnreadableRange(range, to->add_unreadable());
  }
  to->set_unreadable_chunks(static_cast<uint64_t>(coverage.unreadable_chunks));
  to->set_chunks(static_cast<uint64_t>(coverage.chunks));
  to->set_samples(static_cast<uint64_t>(coverage.samples));
  to->set_body_bytes(static_cast<uint64_t>(coverage.body_bytes));
  to->set_stored_bytes(static_cast<uint64_t>(coverage.stored_bytes));
  to->set_unplaced_chunks(static_cast<uint64_t>(coverage.unplaced_chunks));
  if (coverage.last_arrival_us) {
    *to->mutable_last_arrival() = TimestampOfUs(*coverage.last_arrival_us);
  }
}

void EncodeVerified(const store::VerifiedPage& page, v1::VerifyStoredResponse* to) {
  to->set_intact_chunks(static_cast<uint64_t>(page.intact_chunks));
  to->set_intact_bytes(static_cast<uint64_t>(page.intact_bytes));
  for (const store::StoredFault& fault : page.faults) {
    v1::StoredFault& encoded = *to->add_faults();
    encoded.set_reason(EncodeReason(fault.reason));
    encoded.set_stream_id(fault.stream_id.ToString());
    encoded.set_writer_id(fault.writer_id.ToString());
    encoded.set_number(static_cast<uint64_t>(fault.number));
    encoded.set_sha256(std::string(AsView(fault.sha256)));
  }
}

std::string EncodePosition(const store::VerifyPosition& position) {
  std::string bytes(position.stream_id.AsBytes());
  bytes += position.chunk.writer_id.AsBytes();
  AppendLe(bytes, position.chunk.number);
  return bytes;
}

absl::Status AsFieldError(absl::Status status) {
  if (!absl::IsInvalidArgument(status)) return status;
  const std::string message(status.message());
  const size_t colon = message.find(": ");
  if (colon == std::string::npos) return status;
  return rpc::FieldError(message.substr(0, colon), message.substr(colon + 2));
}

}  // namespace tidemark::study
