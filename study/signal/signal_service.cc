#include "study/signal/signal_service.h"

#include "base/status_macros.h"
#include "study/handle.h"
#include "study/page.h"
#include "study/signal/signal_codec.h"

namespace tidemark::study {

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

grpc::Status SignalService::VerifyStored(grpc::ServerContext* context,
                                         const v1::VerifyStoredRequest* request,
                                         v1::VerifyStoredResponse* response) {
  constexpr char kMethod[] = "/tidemark.v1.SignalService/VerifyStored";
  return rpc::Guarded(
      *authorizer_, kMethod, context, *request, [&](const rpc::Caller& caller) -> absl::Status {
        const Call call = CallOf(caller, *context);
        TM_ASSIGN_OR_RETURN(const Page page, Page::Open(*keys_, call, kMethod, request->page_size(),
                                                        request->page_token()));
        TM_ASSIGN_OR_RETURN(store::VerifyQuery query,
                            DecodeVerifyStored(caller.object_participant, *request, page.cursor()));
        query.chunks_max = page.size();
        TM_ASSIGN_OR_RETURN(const store::VerifiedPage verified,
                            reader_->VerifyStored(query, call.deadline));
        EncodeVerified(verified, response);
        if (verified.last) {
          response->set_next_page_token(page.TokenAfter(EncodePosition(*verified.last)));
        }
        return absl::OkStatus();
      });
}

}  // namespace tidemark::study
