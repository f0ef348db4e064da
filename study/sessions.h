// Session tokens of devices, for a signed challenge.
#pragma once

#include "absl/status/statusor.h"
#include "study/context.h"
#include "tidemark/v1/device.pb.h"

namespace tidemark::study {

inline constexpr absl::Duration kChallengeLife = absl::Seconds(60);
inline constexpr absl::Duration kSessionLife = absl::Hours(1);

// A challenge is nonce (16) ‖ expiry (i64le, Unix microseconds) ‖ MAC (16) with a key of the
// installation: any server can check it, and none keeps anything until it is used. Thread-safe.
class Sessions {
 public:
  explicit Sessions(Context context) : context_(std::move(context)) {}

  // Never asks the database, so that unknown devices look like known ones.
  absl::StatusOr<v1::RequestChallengeResponse> RequestChallenge(
      const v1::RequestChallengeRequest& request, absl::Time deadline) const;
  //   UNAUTHENTICATED  CREDENTIAL_INVALID: challenge, device or signature is wrong, or the
  //   challenge
  //                    was used or has expired; DEVICE_REVOKED: only to whom proves to be the
  //                    device
  absl::StatusOr<v1::OpenSessionResponse> Open(const v1::OpenSessionRequest& request,
                                               absl::Time deadline) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
