// Errors of the API, without gRPC: a status with a reason from one enum, and details that machines
// read. They travel as payloads of the status and leave the process in base/rpc/error.h.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tidemark/v1/errors.pb.h"

namespace tidemark::rpc {

// A status that carries google.rpc.ErrorInfo {reason, domain "tidemark.v1"} as a payload.
absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, std::string message);

// INVALID_ARGUMENT, FIELD_INVALID, with google.rpc.BadRequest naming `field` (as in the proto,
// dotted) and `rule` ("has 1 to 64 bytes"). The message is "<field>: <rule>".
absl::Status FieldError(std::string field, std::string rule);

// Adds google.rpc.RetryInfo.
absl::Status WithRetry(absl::Status status, absl::Duration delay);

// The reason a status carries, or UNSPECIFIED.
v1::ErrorReason ReasonOf(const absl::Status& status);

// The delay a status carries.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace tidemark::rpc
