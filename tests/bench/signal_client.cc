#include "tests/bench/signal_client.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "tests/bench/upload_load.h"

namespace tidemark::bench {
namespace {

constexpr absl::Duration kReadTimeout = absl::Minutes(5);

v1::ChunkEnvelope ClockChunk(StreamId stream, const BootId& boot) {
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(std::string(stream.AsBytes()));
  body.set_stream_version(1);
  body.set_writer_id(std::string(WriterId::MakeRandom().AsBytes()));
  body.set_boot_id(std::string(boot.AsBytes()));
  body.mutable_records()->add_records()->mutable_boot_start()->set_wall_ns(kBenchWallNs);
  body.mutable_records()->add_records()->mutable_clock_pair()->set_wall_ns(kBenchWallNs);
  v1::ChunkEnvelope envelope;
  envelope.set_body(body.SerializeAsString());
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_uncompressed_size(static_cast<uint32_t>(envelope.body().size()));
  envelope.set_sha256(std::string(AsView(Sha256(envelope.body()))));
  return envelope;
}

}  // namespace

absl::Status PlaceBoot(const FleetDevice& device, const BootId& boot) {
  const StreamId stream = StreamId::MakeV7();
  v1::DeclareStreamRequest declare;
  declare.set_device_id(device.device_id.ToString());
  declare.set_stream_id(stream.ToString());
  declare.set_name("device-" + boot.ToString());
  declare.set_version(1);
  declare.mutable_declaration()->set_modality(v1::MODALITY_RECORDS);
  const cli::Api as_device(device.channel, device.token);
  TM_RETURN_IF_ERROR(
      as_device.Call(*as_device.devices, &v1::DeviceService::Stub::DeclareStream, declare)
          .status());
  std::vector<LoadLane> lanes(1);
  lanes.front().device = &device;
  lanes.front().messages.push_back(Prepare({ClockChunk(stream, boot)}, 0));
  return RunLoad(lanes, {}).status();
}

absl::StatusOr<SignalClient> SignalClient::Connect(const std::string& server,
                                                   const std::string& token) {
  TM_ASSIGN_OR_RETURN(const auto channel, ingest::Connect({server, ""}));
  return SignalClient(std::make_unique<cli::Api>(channel, token));
}

absl::StatusOr<uint64_t> SignalClient::ReadWindow(const FleetDevice& device, const BootId& boot,
                                                  const TimeSpanNs& device_time) const {
  v1::ReadSamplesRequest request;
  request.set_participant_id(device.participant_id.ToString());
  request.add_stream_ids(device.stream_id.ToString());
  v1::DeviceTimeRange& range = *request.mutable_device_range();
  range.set_boot_id(boot.ToString());
  range.mutable_range()->set_begin_ns(device_time.begin_ns);
  range.mutable_range()->set_end_ns(device_time.end_ns);
  grpc::ClientContext context;
  ingest::Prepare(context, api_->token(), kReadTimeout);
  const auto stream = api_->signals->ReadSamples(&context, request);
  uint64_t bytes = 0;
  for (v1::ReadSamplesResponse response; stream->Read(&response);) {
    if (response.has_unreadable()) return absl::DataLossError("something cannot be read");
    bytes += response.block().stamps_device_ns().size() + response.block().values().size();
  }
  TM_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  if (bytes == 0) return absl::InternalError("nothing was read: this is no measurement");
  return bytes;
}

absl::Status SignalClient::Overview(const FleetDevice& device, const TimeSpanNs& study_time,
                                    uint32_t width) const {
  v1::GetOverviewRequest request;
  request.set_participant_id(device.participant_id.ToString());
  request.set_stream_id(device.stream_id.ToString());
  request.mutable_study_range()->set_begin_ns(study_time.begin_ns);
  request.mutable_study_range()->set_end_ns(study_time.end_ns);
  request.set_width(width);
  TM_ASSIGN_OR_RETURN(const auto response,
                      api_->Call(*api_->signals, &v1::SignalService::Stub::GetOverview, request));
  const std::string& counts = response.counts();
  const bool empty = std::all_of(counts.begin(), counts.end(), [](char c) { return c == 0; });
  return empty ? absl::DataLossError("a picture is empty: this is no measurement")
               : absl::OkStatus();
}

}  // namespace tidemark::bench
