#include "study/signal/signal_service.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "study/signal/signal_codec.h"

namespace tidemark::study {
namespace {

// A long recording to a slow client; a client with less patience says so by its deadline.
constexpr absl::Duration kReadSamplesMost = absl::Hours(4);

// Sends blocks, and what a client must know before it sees them: once a stream and version, once a
// boot and clock.
class BlockSender {
 public:
  explicit BlockSender(grpc::ServerWriter<v1::ReadSamplesResponse>* writer) : writer_(writer) {}

  absl::Status Send(const store::ReadBlock& block) {
    const store::ChunkRow& chunk = block.chunk;
    if (streams_.insert({chunk.stream_id, chunk.stream_version}).second) {
      EncodeStream(block.stream, message_.mutable_stream());
      TM_RETURN_IF_ERROR(Write());
    }
    if (block.placement != nullptr && clocks_.insert({chunk.boot_id, chunk.clock_id}).second) {
      EncodePlacement(*block.placement, message_.mutable_placement());
      TM_RETURN_IF_ERROR(Write());
    }
    EncodeBlock(block, message_.mutable_block());
    return Write();
  }

 private:
  absl::Status Write() {
    const bool sent = writer_->Write(message_);
    message_.Clear();
    return sent ? absl::OkStatus() : absl::CancelledError("the client is gone");
  }

  grpc::ServerWriter<v1::ReadSamplesResponse>* const writer_;
  v1::ReadSamplesResponse message_;
  std::set<std::pair<StreamId, int32_t>> streams_;
  std::set<std::pair<BootId, int32_t>> clocks_;
};

}  // namespace

absl::Status SignalService::CheckStreams(ParticipantId participant,
                                         const std::vector<store::SampleQuery>& queries,
                                         absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const auto streams, catalog_->List(participant, deadline));
  for (const store::SampleQuery& query : queries) {
    const bool known = std::any_of(streams.begin(), streams.end(), [&](const auto& stream) {
      return stream->stream_id == query.stream_id;
    });
    if (!known) {
      return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                        "the participant has no such stream");
    }
  }
  return absl::OkStatus();
}

grpc::Status SignalService::ReadSamples(grpc::ServerContext* context,
                                        const v1::ReadSamplesRequest* request,
                                        grpc::ServerWriter<v1::ReadSamplesResponse>* writer) {
  return rpc::Guarded(
      *authorizer_, "/tidemark.v1.SignalService/ReadSamples", context, *request,
      [&](const rpc::Caller& caller) -> absl::Status {
        const absl::Time deadline = rpc::DeadlineOf(*context, kReadSamplesMost);
        TM_ASSIGN_OR_RETURN(const std::vector<store::SampleQuery> queries,
                            DecodeReadSamples(caller.object_participant, *request));
        TM_RETURN_IF_ERROR(CheckStreams(caller.object_participant, queries, deadline));
        BlockSender sender(writer);
        const auto send = [&](const store::ReadBlock& block) { return sender.Send(block); };
        for (const store::SampleQuery& query : queries) {
          TM_RETURN_IF_ERROR(AsFieldError(reader_->ReadSamples(query, deadline, send)));
        }
        return absl::OkStatus();
      });
}

grpc::Status SignalService::GetOverview(grpc::ServerContext* context,
                                        const v1::GetOverviewRequest* request,
                                        v1::GetOverviewResponse* response) {
  return rpc::Guarded(*authorizer_, "/tidemark.v1.SignalService/GetOverview", context, *request,
                      [&](const rpc::Caller& caller) -> absl::Status {
                        TM_ASSIGN_OR_RETURN(const store::OverviewQuery query,
                                            DecodeGetOverview(caller.object_participant, *request));
                        const auto overview =
                            reader_->GetOverview(query, rpc::DeadlineOf(*context));
                        if (!overview.ok()) return AsFieldError(overview.status());
                        EncodeOverview(*overview, response);
                        return absl::OkStatus();
                      });
}

grpc::Status SignalService::GetCoverage(grpc::ServerContext* context,
                                        const v1::GetCoverageRequest* request,
                                        v1::GetCoverageResponse* response) {
  return rpc::Guarded(*authorizer_, "/tidemark.v1.SignalService/GetCoverage", context, *request,
                      [&](const rpc::Caller& caller) -> absl::Status {
                        TM_ASSIGN_OR_RETURN(const store::CoverageQuery query,
                                            DecodeGetCoverage(caller.object_participant, *request));
                        TM_ASSIGN_OR_RETURN(const std::vector<store::StreamCoverage> streams,
                                            reader_->GetCoverage(query, rpc::DeadlineOf(*context)));
                        for (const store::StreamCoverage& coverage : streams) {
                          EncodeCoverage(coverage, response->add_streams());
                        }
                        return absl::OkStatus();
                      });
}

}  // namespace tidemark::study
