#include "study/access_service.h"

#include "study/handle.h"

namespace tidemark::study {

grpc::Status AccessService::CreateStaff(grpc::ServerContext* context,
                                        const v1::CreateStaffRequest* request,
                                        v1::CreateStaffResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/CreateStaff", context, staff_,
                &Staff::Create, *request, response);
}

grpc::Status AccessService::CreateService(grpc::ServerContext* context,
                                          const v1::CreateServiceRequest* request,
                                          v1::CreateServiceResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/CreateService", context, staff_,
                &Staff::CreateService, *request, response);
}

grpc::Status AccessService::ListGrants(grpc::ServerContext* context,
                                       const v1::ListGrantsRequest* request,
                                       v1::ListGrantsResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/ListGrants", context, staff_,
                &Staff::ListGrants, *request, response);
}

grpc::Status AccessService::SetGrant(grpc::ServerContext* context,
                                     const v1::SetGrantRequest* request,
                                     v1::SetGrantResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/SetGrant", context, staff_,
                &Staff::SetGrant, *request, response);
}

grpc::Status AccessService::RemoveGrant(grpc::ServerContext* context,
                                        const v1::RemoveGrantRequest* request,
                                        v1::RemoveGrantResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/RemoveGrant", context, staff_,
                &Staff::RemoveGrant, *request, response);
}

grpc::Status AccessService::RevokePrincipal(grpc::ServerContext* context,
                                            const v1::RevokePrincipalRequest* request,
                                            v1::RevokePrincipalResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/RevokePrincipal", context, staff_,
                &Staff::Revoke, *request, response);
}

grpc::Status AccessService::CreateSignInCode(grpc::ServerContext* context,
                                             const v1::CreateSignInCodeRequest* request,
                                             v1::CreateSignInCodeResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/CreateSignInCode", context, sign_in_,
                &study::SignIn::CreateCode, *request, response);
}

grpc::Status AccessService::SignIn(grpc::ServerContext* context, const v1::SignInRequest* request,
                                   v1::SignInResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/SignIn", context, sign_in_,
                &study::SignIn::Redeem, *request, response);
}

grpc::Status AccessService::RenewSession(grpc::ServerContext* context,
                                         const v1::RenewSessionRequest* request,
                                         v1::RenewSessionResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/RenewSession", context, sign_in_,
                &study::SignIn::Renew, *request, response);
}

grpc::Status AccessService::CreateToken(grpc::ServerContext* context,
                                        const v1::CreateTokenRequest* request,
                                        v1::CreateTokenResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/CreateToken", context, sign_in_,
                &study::SignIn::CreateToken, *request, response);
}

grpc::Status AccessService::ListTokens(grpc::ServerContext* context,
                                       const v1::ListTokensRequest* request,
                                       v1::ListTokensResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/ListTokens", context, sign_in_,
                &study::SignIn::ListTokens, *request, response);
}

grpc::Status AccessService::RevokeToken(grpc::ServerContext* context,
                                        const v1::RevokeTokenRequest* request,
                                        v1::RevokeTokenResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AccessService/RevokeToken", context, sign_in_,
                &study::SignIn::RevokeToken, *request, response);
}

}  // namespace tidemark::study
