// gRPC in front of Studies.
#pragma once

#include "base/rpc/guard.h"
#include "study/studies.h"
#include "study/study_plans.h"
#include "tidemark/v1/study.grpc.pb.h"

namespace tidemark::study {

// The authorizer outlives the service.
class StudyService final : public v1::StudyService::Service {
 public:
  StudyService(rpc::Authorizer* authorizer, const Context& context)
      : authorizer_(authorizer), studies_(context), plans_(context) {}

  grpc::Status CreateStudy(grpc::ServerContext* context, const v1::CreateStudyRequest* request,
                           v1::CreateStudyResponse* response) override;
  grpc::Status ListStudies(grpc::ServerContext* context, const v1::ListStudiesRequest* request,
                           v1::ListStudiesResponse* response) override;
  grpc::Status CreateManager(grpc::ServerContext* context, const v1::CreateManagerRequest* request,
                             v1::CreateManagerResponse* response) override;
  grpc::Status CreateParticipant(grpc::ServerContext* context,
                                 const v1::CreateParticipantRequest* request,
                                 v1::CreateParticipantResponse* response) override;
  grpc::Status ListParticipants(grpc::ServerContext* context,
                                const v1::ListParticipantsRequest* request,
                                v1::ListParticipantsResponse* response) override;
  grpc::Status SetStudyPlan(grpc::ServerContext* context, const v1::SetStudyPlanRequest* request,
                            v1::SetStudyPlanResponse* response) override;
  grpc::Status GetStudyPlan(grpc::ServerContext* context, const v1::GetStudyPlanRequest* request,
                            v1::GetStudyPlanResponse* response) override;

 private:
  rpc::Authorizer* const authorizer_;
  const Studies studies_;
  const StudyPlans plans_;
};

}  // namespace tidemark::study
