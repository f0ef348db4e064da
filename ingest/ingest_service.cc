#include "ingest/ingest_service.h"

#include "base/status_macros.h"
#include "ingest/bundle_upload.h"
#include "study/handle.h"

namespace tidemark::ingest {

using study::Handle;

IngestService::IngestService(const IngestServiceOptions& options)
    : authorizer_(options.authorizer),
      ingest_(options.ingest),
      states_(options.context, options.placements,
              [ingest = options.ingest] { return ingest->restore_generation(); }),
      quarantine_(options.context, options.ingest),
      calls_(options.ingest, options.authorizer) {}

grpc::Status IngestService::PutChunks(grpc::ServerContext* context,
                                      const v1::PutChunksRequest* request,
                                      v1::PutChunksResponse* response) {
  return rpc::Guarded(
      *authorizer_, "/tidemark.v1.IngestService/PutChunks", context, *request,
      [&](const rpc::Caller& caller) -> absl::Status {
        const Sender sender{caller.study_id, caller.participant_id, caller.device_id};
        TM_ASSIGN_OR_RETURN(*response, UploadBundle(*ingest_, sender, request->bundle(),
                                                    rpc::DeadlineOf(*context)));
        return absl::OkStatus();
      });
}

grpc::Status IngestService::GetUploadState(grpc::ServerContext* context,
                                           const v1::GetUploadStateRequest* request,
                                           v1::GetUploadStateResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.IngestService/GetUploadState", context, states_,
                &UploadStates::Get, *request, response);
}

grpc::Status IngestService::AbandonRange(grpc::ServerContext* context,
                                         const v1::AbandonRangeRequest* request,
                                         v1::AbandonRangeResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.IngestService/AbandonRange", context, states_,
                &UploadStates::Abandon, *request, response);
}

grpc::Status IngestService::ListQuarantine(grpc::ServerContext* context,
                                           const v1::ListQuarantineRequest* request,
                                           v1::ListQuarantineResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.IngestService/ListQuarantine", context, quarantine_,
                &Quarantine::List, *request, response);
}

grpc::Status IngestService::GetQuarantined(grpc::ServerContext* context,
                                           const v1::GetQuarantinedRequest* request,
                                           v1::GetQuarantinedResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.IngestService/GetQuarantined", context, quarantine_,
                &Quarantine::Get, *request, response);
}

grpc::Status IngestService::RedriveQuarantined(grpc::ServerContext* context,
                                               const v1::RedriveQuarantinedRequest* request,
                                               v1::RedriveQuarantinedResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.IngestService/RedriveQuarantined", context, quarantine_,
                &Quarantine::Redrive, *request, response);
}

grpc::Status IngestService::DiscardQuarantined(grpc::ServerContext* context,
                                               const v1::DiscardQuarantinedRequest* request,
                                               v1::DiscardQuarantinedResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.IngestService/DiscardQuarantined", context, quarantine_,
                &Quarantine::Discard, *request, response);
}

}  // namespace tidemark::ingest
