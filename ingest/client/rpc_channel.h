// The way to a server, and what its errors say about trying again.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark::ingest {

// Longest wait for the answer to one unary call.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(30);

struct ServerAddress {
  std::string target;   // "host:port" or "unix:/path"
  std::string ca_file;  // PEM of the authority to trust; empty for the system's
};

// Plain text to this machine itself (loopback, unix socket) when no CA file is given, TLS to
// everything else: a token never crosses a network in the clear.
//   INVALID_ARGUMENT  no target, a port that is none, or the CA file cannot be read
absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const ServerAddress& address);

// Gives a call its deadline, unless it is infinite, and, unless empty, its bearer token.
void Prepare(grpc::ClientContext& context, const std::string& token,
             absl::Duration timeout = kCallTimeout);

// True when the same call may succeed later without anybody doing anything.
bool IsTransient(const absl::Status& status);

}  // namespace tidemark::ingest
