// Between statuses of Tidemark and statuses of gRPC (what they say: base/rpc/reason.h).
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "base/rpc/reason.h"

namespace tidemark::rpc {

v1::ErrorReason ReasonOf(const grpc::Status& status);

// The only place where statuses change their type. Payloads become the details of
// grpc-status-details-bin (google.rpc.Status) and come back. Statuses of the database layer without
// a reason get the fitting one (UNAVAILABLE -> STORE_UNAVAILABLE, ...); INTERNAL and UNKNOWN
// messages are replaced by a neutral one after being logged.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace tidemark::rpc
