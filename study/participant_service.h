// gRPC in front of Participants and Roster.
#pragma once

#include "base/rpc/guard.h"
#include "study/participants.h"
#include "study/roster.h"
#include "tidemark/v1/participant.grpc.pb.h"

namespace tidemark::study {

// The authorizer outlives the service.
class ParticipantService final : public v1::ParticipantService::Service {
 public:
  ParticipantService(rpc::Authorizer* authorizer, const Context& context)
      : authorizer_(authorizer), participants_(context), roster_(context) {}

  grpc::Status GetParticipant(grpc::ServerContext* context,
                              const v1::GetParticipantRequest* request,
                              v1::GetParticipantResponse* response) override;
  grpc::Status RecordConsent(grpc::ServerContext* context, const v1::RecordConsentRequest* request,
                             v1::RecordConsentResponse* response) override;
  grpc::Status ListConsents(grpc::ServerContext* context, const v1::ListConsentsRequest* request,
                            v1::ListConsentsResponse* response) override;
  grpc::Status SetAttributes(grpc::ServerContext* context, const v1::SetAttributesRequest* request,
                             v1::SetAttributesResponse* response) override;
  grpc::Status CompleteParticipant(grpc::ServerContext* context,
                                   const v1::CompleteParticipantRequest* request,
                                   v1::CompleteParticipantResponse* response) override;
  grpc::Status WithdrawParticipant(grpc::ServerContext* context,
                                   const v1::WithdrawParticipantRequest* request,
                                   v1::WithdrawParticipantResponse* response) override;
  grpc::Status ImportRoster(grpc::ServerContext* context, const v1::ImportRosterRequest* request,
                            v1::ImportRosterResponse* response) override;

 private:
  rpc::Authorizer* const authorizer_;
  const Participants participants_;
  const Roster roster_;
};

}  // namespace tidemark::study
