// A device's session with the server: a token by challenge, renewed before it ends.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "ingest/client/identity.h"
#include "tidemark/v1/device.grpc.pb.h"

namespace tidemark::ingest {

// A token is good for an hour by the server's clock, which the device does not trust: it asks for a
// new one after half of that by its own.
inline constexpr absl::Duration kSessionReuse = absl::Minutes(30);

// Not thread-safe. Borrows identity and clock.
class DeviceSession {
 public:
  DeviceSession(std::shared_ptr<grpc::Channel> channel, Identity& identity, const Clock& clock);

  // A bearer token, opened now if there is none or it is old. If the server does not accept the
  // device's key but a key rotation was begun, its answer was lost: the next key is tried and kept.
  //   UNAUTHENTICATED  CREDENTIAL_INVALID, or DEVICE_REVOKED (terminal)
  absl::StatusOr<std::string> Token();
  // The server refused the token: the next call opens a new session.
  void Invalidate() { token_.clear(); }

  // Makes a new key, has the server take it, and keeps it. Safe to repeat after any failure.
  absl::Status RotateKey();

 private:
  // Signs with `key`, or with the identity's own.
  absl::StatusOr<std::string> Open(const SigningKey* key = nullptr);

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::DeviceService::Stub> stub_;
  Identity& identity_;
  const Clock& clock_;
  std::string token_;
  absl::Time opened_at_;
};

}  // namespace tidemark::ingest
