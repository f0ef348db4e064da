#include "study/signal/signal_service.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>

#include "base/status_macros.h"
#include "study/handle.h"
#include "study/page.h"
#include "study/signal/signal_codec.h"

namespace tidemark::study {
namespace {

// Of an answer that is not a stream: below the 4 MiB that a client takes by default.
constexpr size_t kAnswerBytesMax = (4 << 20) - (64 << 10);

// A larger answer would end in a bare RESOURCE_EXHAUSTED, however often it is asked for.
absl::Status CheckFits(const google::protobuf::Message& answer, std::string field,
                       std::string_view remedy) {
  if (answer.ByteSizeLong() <= kAnswerBytesMax) return absl::OkStatus();
  return rpc::FieldError(std::move(field),
                         fmt::format("asks for an answer of more than 4 MiB: ask for {}", remedy));
}

}  // namespace

grpc::Status SignalService::GetOverview(grpc::ServerContext* context,
                                        const v1::GetOverviewRequest* request,
                                        v1::GetOverviewResponse* response) {
  return rpc::Guarded(
      *authorizer_, "/tidemark.v1.SignalService/GetOverview", context, *request,
      [&](const rpc::Caller& caller) -> absl::Status {
        TM_ASSIGN_OR_RETURN(const store::OverviewQuery query,
                            DecodeGetOverview(caller.object_participant, *request));
        TM_RETURN_IF_ERROR(access_->Check(CallOf(caller, *context), std::span(&query.stream_id, 1),
                                          "signal.overview"));
        const auto overview = reader_->GetOverview(query, rpc::DeadlineOf(*context));
        if (!overview.ok()) return AsFieldError(overview.status());
        EncodeOverview(*overview, response);
        return CheckFits(*response, "study_range", "a shorter range");
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
                          TM_RETURN_IF_ERROR(CheckFits(*response, "stream_ids", "fewer streams"));
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
