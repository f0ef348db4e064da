// gRPC in front of what operators do with the installation.
#pragma once

#include <functional>

#include "base/rpc/guard.h"
#include "server/roles.h"
#include "server/security_checks.h"
#include "study/installation.h"
#include "tidemark/v1/operator.grpc.pb.h"

namespace tidemark::server {

// The authorizer, and what the foundation names, outlive the service.
class OperatorService final : public v1::OperatorService::Service {
 public:
  OperatorService(rpc::Authorizer* authorizer, const Foundation& foundation);

  grpc::Status RotateKeyEncryptionKey(grpc::ServerContext* context,
                                      const v1::RotateKeyEncryptionKeyRequest* request,
                                      v1::RotateKeyEncryptionKeyResponse* response) override;
  // Looks at the database afterwards, so that ingest goes on here at once.
  grpc::Status ConfirmRestored(grpc::ServerContext* context,
                               const v1::ConfirmRestoredRequest* request,
                               v1::ConfirmRestoredResponse* response) override;
  grpc::Status CheckSecurity(grpc::ServerContext* context, const v1::CheckSecurityRequest* request,
                             v1::CheckSecurityResponse* response) override;

 private:
  rpc::Authorizer* const authorizer_;
  const study::Installation installation_;
  const SecurityChecks checks_;
  const std::function<void()> look_at_database_;
};

}  // namespace tidemark::server
