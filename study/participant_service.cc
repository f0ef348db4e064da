#include "study/participant_service.h"

#include "study/handle.h"

namespace tidemark::study {

grpc::Status ParticipantService::GetParticipant(grpc::ServerContext* context,
                                                const v1::GetParticipantRequest* request,
                                                v1::GetParticipantResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ParticipantService/GetParticipant", context,
                participants_, &Participants::Get, *request, response);
}

grpc::Status ParticipantService::RecordConsent(grpc::ServerContext* context,
                                               const v1::RecordConsentRequest* request,
                                               v1::RecordConsentResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ParticipantService/RecordConsent", context,
                participants_, &Participants::RecordConsent, *request, response);
}

grpc::Status ParticipantService::ListConsents(grpc::ServerContext* context,
                                              const v1::ListConsentsRequest* request,
                                              v1::ListConsentsResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ParticipantService/ListConsents", context,
                participants_, &Participants::ListConsents, *request, response);
}

grpc::Status ParticipantService::SetAttributes(grpc::ServerContext* context,
                                               const v1::SetAttributesRequest* request,
                                               v1::SetAttributesResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ParticipantService/SetAttributes", context,
                participants_, &Participants::SetAttributes, *request, response);
}

grpc::Status ParticipantService::CompleteParticipant(grpc::ServerContext* context,
                                                     const v1::CompleteParticipantRequest* request,
                                                     v1::CompleteParticipantResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ParticipantService/CompleteParticipant", context,
                participants_, &Participants::Complete, *request, response);
}

grpc::Status ParticipantService::WithdrawParticipant(grpc::ServerContext* context,
                                                     const v1::WithdrawParticipantRequest* request,
                                                     v1::WithdrawParticipantResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ParticipantService/WithdrawParticipant", context,
                participants_, &Participants::Withdraw, *request, response);
}

grpc::Status ParticipantService::ImportRoster(grpc::ServerContext* context,
                                              const v1::ImportRosterRequest* request,
                                              v1::ImportRosterResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ParticipantService/ImportRoster", context, roster_,
                &Roster::Import, *request, response);
}

}  // namespace tidemark::study
