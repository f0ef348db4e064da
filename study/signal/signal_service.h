// gRPC in front of SignalReader.
#pragma once

#include "base/rpc/guard.h"
#include "store/signal_reader.h"
#include "store/stream_catalog.h"
#include "tidemark/v1/signal.grpc.pb.h"

namespace tidemark::study {

// All three outlive the service. A stream of samples occupies one thread of the server and holds no
// database connection while its client is slow; it ends when the client is gone.
class SignalService final : public v1::SignalService::Service {
 public:
  SignalService(rpc::Authorizer* authorizer, store::SignalReader* reader,
                store::StreamCatalog* catalog)
      : authorizer_(authorizer), reader_(reader), catalog_(catalog) {}

  // Streams are looked up before the first message, so that a wrong id costs nothing.
  grpc::Status ReadSamples(grpc::ServerContext* context, const v1::ReadSamplesRequest* request,
                           grpc::ServerWriter<v1::ReadSamplesResponse>* writer) override;
  grpc::Status GetOverview(grpc::ServerContext* context, const v1::GetOverviewRequest* request,
                           v1::GetOverviewResponse* response) override;
  grpc::Status GetCoverage(grpc::ServerContext* context, const v1::GetCoverageRequest* request,
                           v1::GetCoverageResponse* response) override;

 private:
  absl::Status CheckStreams(ParticipantId participant,
                            const std::vector<store::SampleQuery>& queries, absl::Time deadline);

  rpc::Authorizer* const authorizer_;
  store::SignalReader* const reader_;
  store::StreamCatalog* const catalog_;
};

}  // namespace tidemark::study
