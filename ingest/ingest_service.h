// tidemark.v1.IngestService over gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include "base/rpc/guard.h"
#include "ingest/ingest.h"
#include "ingest/quarantine.h"
#include "ingest/upload_calls.h"
#include "ingest/upload_states.h"
#include "tidemark/v1/ingest.grpc.pb.h"

namespace tidemark::ingest {

struct IngestServiceOptions {
  rpc::Authorizer* authorizer = nullptr;
  Ingest* ingest = nullptr;
  study::Context context;  // its pool has the statements of ingest/sql.h and study/sql.h
  store::PlacementSource* placements = nullptr;  // may be null: then nothing has a study time
};

// Upload uses the callback API, everything else blocks in a thread of gRPC's own. What the options
// point to outlives this. Call Shutdown() before the server's, which waits for open calls.
class IngestService final
    : public v1::IngestService::WithCallbackMethod_Upload<v1::IngestService::Service> {
 public:
  explicit IngestService(const IngestServiceOptions& options);

  // Ends open uploads as UNAVAILABLE, once the receipts of what they took are out; their devices
  // send the rest again elsewhere.
  void Shutdown() { calls_.Shutdown(); }

  grpc::ServerBidiReactor<v1::UploadRequest, v1::UploadResponse>* Upload(
      grpc::CallbackServerContext* context) override {
    return calls_.Open(context);
  }
  grpc::Status PutChunks(grpc::ServerContext* context, const v1::PutChunksRequest* request,
                         v1::PutChunksResponse* response) override;
  grpc::Status GetUploadState(grpc::ServerContext* context,
                              const v1::GetUploadStateRequest* request,
                              v1::GetUploadStateResponse* response) override;
  grpc::Status AbandonRange(grpc::ServerContext* context, const v1::AbandonRangeRequest* request,
                            v1::AbandonRangeResponse* response) override;
  grpc::Status ListQuarantine(grpc::ServerContext* context,
                              const v1::ListQuarantineRequest* request,
                              v1::ListQuarantineResponse* response) override;
  grpc::Status GetQuarantined(grpc::ServerContext* context,
                              const v1::GetQuarantinedRequest* request,
                              v1::GetQuarantinedResponse* response) override;
  grpc::Status RedriveQuarantined(grpc::ServerContext* context,
                                  const v1::RedriveQuarantinedRequest* request,
                                  v1::RedriveQuarantinedResponse* response) override;
  grpc::Status DiscardQuarantined(grpc::ServerContext* context,
                                  const v1::DiscardQuarantinedRequest* request,
                                  v1::DiscardQuarantinedResponse* response) override;

 private:
  rpc::Authorizer* const authorizer_;
  Ingest* const ingest_;
  const UploadStates states_;
  const Quarantine quarantine_;
  UploadCalls calls_;
};

}  // namespace tidemark::ingest
