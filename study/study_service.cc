#include "study/study_service.h"

#include "study/handle.h"

namespace tidemark::study {

grpc::Status StudyService::CreateStudy(grpc::ServerContext* context,
                                       const v1::CreateStudyRequest* request,
                                       v1::CreateStudyResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.StudyService/CreateStudy", context, studies_,
                &Studies::Create, *request, response);
}

grpc::Status StudyService::ListStudies(grpc::ServerContext* context,
                                       const v1::ListStudiesRequest* request,
                                       v1::ListStudiesResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.StudyService/ListStudies", context, studies_,
                &Studies::List, *request, response);
}

grpc::Status StudyService::CreateManager(grpc::ServerContext* context,
                                         const v1::CreateManagerRequest* request,
                                         v1::CreateManagerResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.StudyService/CreateManager", context, studies_,
                &Studies::CreateManager, *request, response);
}

grpc::Status StudyService::CreateParticipant(grpc::ServerContext* context,
                                             const v1::CreateParticipantRequest* request,
                                             v1::CreateParticipantResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.StudyService/CreateParticipant", context, studies_,
                &Studies::CreateParticipant, *request, response);
}

grpc::Status StudyService::ListParticipants(grpc::ServerContext* context,
                                            const v1::ListParticipantsRequest* request,
                                            v1::ListParticipantsResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.StudyService/ListParticipants", context, studies_,
                &Studies::ListParticipants, *request, response);
}

grpc::Status StudyService::SetStudyPlan(grpc::ServerContext* context,
                                        const v1::SetStudyPlanRequest* request,
                                        v1::SetStudyPlanResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.StudyService/SetStudyPlan", context, plans_,
                &StudyPlans::Set, *request, response);
}

grpc::Status StudyService::GetStudyPlan(grpc::ServerContext* context,
                                        const v1::GetStudyPlanRequest* request,
                                        v1::GetStudyPlanResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.StudyService/GetStudyPlan", context, plans_,
                &StudyPlans::Get, *request, response);
}

}  // namespace tidemark::study
