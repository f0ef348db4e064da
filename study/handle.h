// From a guarded gRPC call to a method of the core and back.
#pragma once

#include <string_view>

#include "base/rpc/guard.h"
#include "base/status_macros.h"
#include "study/call.h"

namespace tidemark::study {

inline Call CallOf(const rpc::Caller& caller, const grpc::ServerContextBase& context) {
  return {.principal_id = caller.principal_id,
          .study_id = caller.object_study,
          .participant_id = caller.object_participant,
          .device_id = caller.device_id,
          .is_operator = caller.kind == rpc::CallerKind::kOperator,
          .scope = caller.scope(),
          .credential_id = caller.credential_id,
          .data_kinds = caller.data_kinds,
          .deadline = rpc::DeadlineOf(context)};
}

// Answers a call with (core.*method)(call, request), once the authorizer let it pass.
template <class Core, class Request, class Response>
grpc::Status Handle(rpc::Authorizer& authorizer, std::string_view name,
                    grpc::ServerContext* context, const Core& core,
                    absl::StatusOr<Response> (Core::*method)(const Call&, const Request&) const,
                    const Request& request, Response* response) {
  return rpc::Guarded(
      authorizer, name, context, request, [&](const rpc::Caller& caller) -> absl::Status {
        TM_ASSIGN_OR_RETURN(*response, (core.*method)(CallOf(caller, *context), request));
        return absl::OkStatus();
      });
}

// The same for methods that anybody may call.
template <class Core, class Request, class Response>
grpc::Status Handle(rpc::Authorizer& authorizer, std::string_view name,
                    grpc::ServerContext* context, const Core& core,
                    absl::StatusOr<Response> (Core::*method)(const Request&, absl::Time) const,
                    const Request& request, Response* response) {
  return rpc::Guarded(authorizer, name, context, request, [&](const rpc::Caller&) -> absl::Status {
    TM_ASSIGN_OR_RETURN(*response, (core.*method)(request, rpc::DeadlineOf(*context)));
    return absl::OkStatus();
  });
}

}  // namespace tidemark::study
