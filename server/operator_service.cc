#include "server/operator_service.h"

#include "study/handle.h"

namespace tidemark::server {

OperatorService::OperatorService(rpc::Authorizer* authorizer, const Foundation& foundation)
    : authorizer_(authorizer),
      installation_(foundation.study),
      checks_(foundation.config, foundation.study, foundation.gate),
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
  const grpc::Status status =
      study::Handle(*authorizer_, "/tidemark.v1.OperatorService/ConfirmRestored", context,
                    installation_, &study::Installation::ConfirmRestored, *request, response);
  if (status.ok()) look_at_database_();
  return status;
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
