#include "server/operator_service.h"

#include "base/status_macros.h"
#include "study/handle.h"

namespace tidemark::server {
namespace {

// The key store is asked about every participant.
constexpr absl::Duration kConfirmMost = absl::Minutes(10);

}  // namespace

OperatorService::OperatorService(rpc::Authorizer* authorizer, const Foundation& foundation)
    : authorizer_(authorizer),
      installation_(foundation.study),
      checks_(foundation.config, foundation.study, foundation.gate, foundation.watch),
      look_at_database_(foundation.look_at_database) {}

grpc::Status OperatorService::RotateKeyEncryptionKey(
    grpc::ServerContext* context, const v1::RotateKeyEncryptionKeyRequest* request,
    v1::RotateKeyEncryptionKeyResponse* response) {
  return study::Handle(*authorizer_, "/tidemark.v1.OperatorService/RotateKeyEncryptionKey", context,
                       installation_, &study::Installation::RotateKeyEncryptionKey, *request,
                       response);
}

grpc::Status OperatorService::ConfirmRestored(grpc::ServerContext* context,
                                              const v1::ConfirmRestoredRequest* request,
                                              v1::ConfirmRestoredResponse* response) {
  return rpc::Guarded(*authorizer_, "/tidemark.v1.OperatorService/ConfirmRestored", context,
                      *request, [&](const rpc::Caller& caller) -> absl::Status {
                        study::Call call = study::CallOf(caller, *context);
                        call.deadline = rpc::DeadlineOf(*context, kConfirmMost);
                        TM_ASSIGN_OR_RETURN(*response,
                                            installation_.ConfirmRestored(call, *request));
                        look_at_database_();
                        return absl::OkStatus();
                      });
}

grpc::Status OperatorService::CheckSecurity(grpc::ServerContext* context,
                                            const v1::CheckSecurityRequest* request,
                                            v1::CheckSecurityResponse* response) {
  return rpc::Guarded(*authorizer_, "/tidemark.v1.OperatorService/CheckSecurity", context, *request,
                      [&](const rpc::Caller&) -> absl::Status {
                        *response = checks_.Run(rpc::DeadlineOf(*context));
                        return absl::OkStatus();
                      });
}

}  // namespace tidemark::server
