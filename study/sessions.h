// Session tokens of devices, for a signed challenge.
#pragma once

#include "absl/status/statusor.h"
#include "study/attempt_limiter.h"
#include "study/context.h"
#include "tidemark/v1/device.pb.h"

namespace tidemark::study {

inline constexpr absl::Duration kChallengeLife = absl::Seconds(60);
inline constexpr absl::Duration kSessionLife = absl::Hours(1);

// A challenge is nonce (16) ‖ expiry (i64le, Unix microseconds) ‖ MAC (16) with a key of the
// installation: any server can check it, and none keeps anything until it is used. Thread-safe.
class Sessions {
 public:
  // `attempts` outlives this.
  Sessions(Context context, AttemptLimiter* attempts)
      : context_(std::move(context)), attempts_(attempts) {}

  // Never asks the database, so that unknown devices look like known ones.
  //   RESOURCE_EXHAUSTED  OVERLOADED: this device was named too often of late, or too many were
  absl::StatusOr<v1::RequestChallengeResponse> RequestChallenge(
      const v1::RequestChallengeRequest& request, absl::Time deadline) const;
  //   UNAUTHENTICATED     CREDENTIAL_INVALID: challenge, device or signature is wrong, or the
  //                       challenge was used or has expired; DEVICE_REVOKED: only to whom proves to
  //                       be the device
  //   RESOURCE_EXHAUSTED  as for RequestChallenge
  absl::StatusOr<v1::OpenSessionResponse> Open(const v1::OpenSessionRequest& request,
                                               absl::Time deadline) const;

 private:
  const Context context_;
  AttemptLimiter* const attempts_;
};

}  // namespace tidemark::study
