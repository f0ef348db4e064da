// People and programs and their roles. proto/tidemark/v1/access.proto says what each method
// promises; here stands how it is kept.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/access.pb.h"

namespace tidemark::study {

// Thread-safe. The token of a program ends after Context::service_token_life, and programs make no
// tokens: before it ends, an admin enters the program anew and takes the role of the old one.
class Staff {
 public:
  explicit Staff(Context context) : context_(std::move(context)) {}

  absl::StatusOr<v1::CreateStaffResponse> Create(const Call& call,
                                                 const v1::CreateStaffRequest& request) const;
  absl::StatusOr<v1::CreateServiceResponse> CreateService(
      const Call& call, const v1::CreateServiceRequest& request) const;
  absl::StatusOr<v1::ListGrantsResponse> ListGrants(const Call& call,
                                                    const v1::ListGrantsRequest& request) const;
  //   NOT_FOUND  no such principal that can have roles
  absl::StatusOr<v1::SetGrantResponse> SetGrant(const Call& call,
                                                const v1::SetGrantRequest& request) const;
  //   FAILED_PRECONDITION  LAST_ADMIN
  absl::StatusOr<v1::RemoveGrantResponse> RemoveGrant(const Call& call,
                                                      const v1::RemoveGrantRequest& request) const;
  //   NOT_FOUND            a device, or nobody
  //   FAILED_PRECONDITION  LAST_ADMIN; or the last operator
  absl::StatusOr<v1::RevokePrincipalResponse> Revoke(
      const Call& call, const v1::RevokePrincipalRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
