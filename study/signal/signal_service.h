// gRPC in front of SignalReader.
#pragma once

#include "base/rpc/guard.h"
#include "store/key_store.h"
#include "store/signal_reader.h"
#include "study/data_access.h"
#include "study/signal/sample_reads.h"
#include "tidemark/v1/signal.grpc.pb.h"

namespace tidemark::study {

// ReadSamples uses the callback API, everything else blocks in a thread of gRPC's own. What the
// constructor is given outlives the service, which outlives the server.
class SignalService final
    : public v1::SignalService::WithCallbackMethod_ReadSamples<v1::SignalService::Service> {
 public:
  // `keys` authenticate page tokens.
  SignalService(rpc::Authorizer* authorizer, store::SignalReader* reader, const DataAccess* access,
                store::KeyStore* keys, const SampleReadsOptions& options = {})
      : authorizer_(authorizer),
        reader_(reader),
        access_(access),
        keys_(keys),
        sample_reads_(authorizer, reader, access, options) {}

  grpc::ServerWriteReactor<v1::ReadSamplesResponse>* ReadSamples(
      grpc::CallbackServerContext* context, const v1::ReadSamplesRequest* request) override {
    return sample_reads_.Open(context, *request);
  }
  grpc::Status GetOverview(grpc::ServerContext* context, const v1::GetOverviewRequest* request,
                           v1::GetOverviewResponse* response) override;
  grpc::Status GetCoverage(grpc::ServerContext* context, const v1::GetCoverageRequest* request,
                           v1::GetCoverageResponse* response) override;
  grpc::Status VerifyStored(grpc::ServerContext* context, const v1::VerifyStoredRequest* request,
                            v1::VerifyStoredResponse* response) override;

  SampleReads& sample_reads() { return sample_reads_; }

 private:
  rpc::Authorizer* const authorizer_;
  store::SignalReader* const reader_;
  const DataAccess* const access_;
  store::KeyStore* const keys_;
  SampleReads sample_reads_;
};

}  // namespace tidemark::study
