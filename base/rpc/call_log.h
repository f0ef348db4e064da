// One line in the log per call: what was called, by which kind of caller, how it ended.
#pragma once

#include <grpcpp/grpcpp.h>

#include <array>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/log.h"

namespace tidemark::rpc {

struct Caller;
class Authorizer;

// Ids that tie lines together and say nothing about anybody.
struct CallIds {
  std::string request_id;  // 16 hexadecimal digits, made here
  std::string trace_id;    // 32: the client's, from a `traceparent` of W3C, else made here
};
CallIds MakeCallIds(const grpc::ServerContextBase& context);

// Notes on `status` who the caller was, for the line of a call that fails: the kind and the tag of
// Authorizer::LogTag. It never leaves the process.
absl::Status WithCaller(absl::Status status, const Authorizer& authorizer, const Caller& caller);

// A call from its begin to its end. `method` is a full name and outlives it. Calls that fail are
// logged at level info, those where the fault is the server's as warnings, all others at debug.
class CallLog {
 public:
  CallLog(std::string_view method, grpc::ServerContextBase* context);

  // Both ids, for lines about the same call (LogScope).
  std::span<const LogField> ids() const { return ids_; }

  // The call is over: writes its line, and gives what the client is told. A client of a call that
  // failed finds the request id in the trailing metadata `tidemark-request-id`, for questions to
  // the operator; `context` of the constructor must still be valid then.
  grpc::Status End(const absl::Status& status) const;

 private:
  const std::string_view method_;
  grpc::ServerContextBase* const context_;
  const absl::Time begin_;
  const std::array<LogField, 2> ids_;
};

}  // namespace tidemark::rpc
