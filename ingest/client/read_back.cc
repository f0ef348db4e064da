#include "ingest/client/read_back.h"

#include <vector>

#include "base/endian.h"
#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "ingest/client/rpc_channel.h"

namespace tidemark::ingest {
namespace {

std::vector<int64_t> LoadStamps(std::string_view bytes) {
  std::vector<int64_t> stamps(bytes.size() / sizeof(int64_t));
  for (size_t i = 0; i < stamps.size(); ++i) {
    stamps[i] = LoadLe<int64_t>(bytes.data() + i * sizeof(int64_t));
  }
  return stamps;
}

absl::Status AddBlock(const v1::SampleBlock& block, StreamDigest& digest) {
  std::vector<int64_t> stamps = LoadStamps(block.stamps_device_ns());
  if (!block.encoded().empty()) {
    if (stamps.size() != 2) return absl::DataLossError("an encoded block without its time range");
    digest.AddEncoded(stamps[0], stamps[1], block.encoded());
    return absl::OkStatus();
  }
  if (stamps.size() != block.count()) {
    return absl::DataLossError("a block with another number of stamps than of samples");
  }
  digest.AddSamples(block.first_counter(), signal::Stamps::Exact(std::move(stamps)),
                    block.values());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StreamDigest::Summary> ReadBack(v1::SignalService::Stub& stub,
                                               const std::string& token,
                                               const ParticipantId& participant_id,
                                               const StreamId& stream_id,
                                               absl::Duration stall_timeout) {
  v1::ReadSamplesRequest request;
  request.set_participant_id(participant_id.ToString());
  request.add_stream_ids(stream_id.ToString());
  request.set_everything(true);
  request.set_whole_chunks(true);
  grpc::ClientContext context;
  Prepare(context, token, absl::InfiniteDuration());
  StallGuard guard(context, stall_timeout);
  const auto reader = stub.ReadSamples(&context, request);
  StreamDigest digest;
  v1::ReadSamplesResponse response;
  absl::Status broken;
  while (broken.ok() && guard.Read(*reader, &response)) {
    if (response.has_block()) broken = AddBlock(response.block(), digest);
  }
  if (!broken.ok()) context.TryCancel();
  const absl::Status finished = guard.StatusOf(rpc::FromGrpc(reader->Finish()));
  TM_RETURN_IF_ERROR(broken);
  TM_RETURN_IF_ERROR(finished);
  return digest.Finish();
}

}  // namespace tidemark::ingest
