// gRPC in front of Staff and SignIn.
#pragma once

#include "base/rpc/guard.h"
#include "study/sign_in.h"
#include "study/staff.h"
#include "tidemark/v1/access.grpc.pb.h"

namespace tidemark::study {

// The authorizer outlives the service.
class AccessService final : public v1::AccessService::Service {
 public:
  AccessService(rpc::Authorizer* authorizer, const Context& context)
      : authorizer_(authorizer),
        staff_(context),
        attempts_(context.clock),
        sign_in_(context, &attempts_) {}

  grpc::Status CreateStaff(grpc::ServerContext* context, const v1::CreateStaffRequest* request,
                           v1::CreateStaffResponse* response) override;
  grpc::Status CreateService(grpc::ServerContext* context, const v1::CreateServiceRequest* request,
                             v1::CreateServiceResponse* response) override;
  grpc::Status ListGrants(grpc::ServerContext* context, const v1::ListGrantsRequest* request,
                          v1::ListGrantsResponse* response) override;
  grpc::Status SetGrant(grpc::ServerContext* context, const v1::SetGrantRequest* request,
                        v1::SetGrantResponse* response) override;
  grpc::Status RemoveGrant(grpc::ServerContext* context, const v1::RemoveGrantRequest* request,
                           v1::RemoveGrantResponse* response) override;
  grpc::Status RevokePrincipal(grpc::ServerContext* context,
                               const v1::RevokePrincipalRequest* request,
                               v1::RevokePrincipalResponse* response) override;
  grpc::Status CreateSignInCode(grpc::ServerContext* context,
                                const v1::CreateSignInCodeRequest* request,
                                v1::CreateSignInCodeResponse* response) override;
  grpc::Status SignIn(grpc::ServerContext* context, const v1::SignInRequest* request,
                      v1::SignInResponse* response) override;
  grpc::Status RenewSession(grpc::ServerContext* context, const v1::RenewSessionRequest* request,
                            v1::RenewSessionResponse* response) override;
  grpc::Status CreateToken(grpc::ServerContext* context, const v1::CreateTokenRequest* request,
                           v1::CreateTokenResponse* response) override;
  grpc::Status ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest* request,
                          v1::ListTokensResponse* response) override;
  grpc::Status RevokeToken(grpc::ServerContext* context, const v1::RevokeTokenRequest* request,
                           v1::RevokeTokenResponse* response) override;

 private:
  rpc::Authorizer* const authorizer_;
  const Staff staff_;
  AttemptLimiter attempts_;
  const study::SignIn sign_in_;
};

}  // namespace tidemark::study
