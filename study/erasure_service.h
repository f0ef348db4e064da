// gRPC in front of Erasures.
#pragma once

#include "base/rpc/guard.h"
#include "study/erasures.h"
#include "tidemark/v1/erasure.grpc.pb.h"

namespace tidemark::study {

// The authorizer outlives the service.
class ErasureService final : public v1::ErasureService::Service {
 public:
  ErasureService(rpc::Authorizer* authorizer, const Context& context, const ClockSources& clocks)
      : authorizer_(authorizer), erasures_(context, clocks) {}

  grpc::Status EraseParticipant(grpc::ServerContext* context,
                                const v1::EraseParticipantRequest* request,
                                v1::EraseParticipantResponse* response) override;
  grpc::Status EraseRange(grpc::ServerContext* context, const v1::EraseRangeRequest* request,
                          v1::EraseRangeResponse* response) override;
  grpc::Status GetErasure(grpc::ServerContext* context, const v1::GetErasureRequest* request,
                          v1::GetErasureResponse* response) override;
  grpc::Status ListErasures(grpc::ServerContext* context, const v1::ListErasuresRequest* request,
                            v1::ListErasuresResponse* response) override;

 private:
  rpc::Authorizer* const authorizer_;
  const Erasures erasures_;
};

}  // namespace tidemark::study
