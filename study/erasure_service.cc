#include "study/erasure_service.h"

#include "study/handle.h"

namespace tidemark::study {

grpc::Status ErasureService::EraseParticipant(grpc::ServerContext* context,
                                              const v1::EraseParticipantRequest* request,
                                              v1::EraseParticipantResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ErasureService/EraseParticipant", context, erasures_,
                &Erasures::EraseParticipant, *request, response);
}

grpc::Status ErasureService::EraseRange(grpc::ServerContext* context,
                                        const v1::EraseRangeRequest* request,
                                        v1::EraseRangeResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ErasureService/EraseRange", context, erasures_,
                &Erasures::EraseRange, *request, response);
}

grpc::Status ErasureService::GetErasure(grpc::ServerContext* context,
                                        const v1::GetErasureRequest* request,
                                        v1::GetErasureResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ErasureService/GetErasure", context, erasures_,
                &Erasures::Get, *request, response);
}

grpc::Status ErasureService::ListErasures(grpc::ServerContext* context,
                                          const v1::ListErasuresRequest* request,
                                          v1::ListErasuresResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.ErasureService/ListErasures", context, erasures_,
                &Erasures::List, *request, response);
}

}  // namespace tidemark::study
