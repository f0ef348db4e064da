// How a device comes to its key, and changes it.
#pragma once

#include "absl/status/statusor.h"
#include "study/attempt_limiter.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/device.pb.h"

namespace tidemark::study {

// Thread-safe.
class Enrolment {
 public:
  // `attempts` outlives this.
  Enrolment(Context context, AttemptLimiter* attempts)
      : context_(std::move(context)), attempts_(attempts) {}

  //   INVALID_ARGUMENT  ENROLMENT_CODE_INVALID: unknown, wrong, expired, void, or redeemed with
  //                     another key, all with the same words; FIELD_INVALID: the key is no point on
  //                     P-256, or the proof is not its signature
  //   RESOURCE_EXHAUSTED  OVERLOADED: this code was tried too often of late, or too many were
  absl::StatusOr<v1::EnrolResponse> Enrol(const v1::EnrolRequest& request,
                                          absl::Time deadline) const;
  //   INVALID_ARGUMENT     as for Enrol's key and proof
  //   FAILED_PRECONDITION  the device used the new key before and gave it up
  absl::StatusOr<v1::RotateKeyResponse> RotateKey(const Call& call,
                                                  const v1::RotateKeyRequest& request) const;

 private:
  const Context context_;
  AttemptLimiter* const attempts_;
};

}  // namespace tidemark::study
