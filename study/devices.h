// Devices and their enrolment, from a manager's code to the device's own keys.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/device.pb.h"

namespace tidemark::study {

inline constexpr absl::Duration kEnrolmentCodeLife = absl::Minutes(15);
// Wrong secrets after which a code is void.
inline constexpr int kEnrolmentAttemptsMax = 5;

// What a manager does with devices. Thread-safe.
class Devices {
 public:
  explicit Devices(Context context) : context_(std::move(context)) {}

  // For a name that a device which never enrolled has already, only a new code is made.
  //   ALREADY_EXISTS       the name is taken
  //   FAILED_PRECONDITION  the participant does not take part
  absl::StatusOr<v1::CreateDeviceResponse> Create(const Call& call,
                                                  const v1::CreateDeviceRequest& request) const;
  //   NOT_FOUND            the participant has no such device
  //   FAILED_PRECONDITION  it has enrolled or was revoked
  absl::StatusOr<v1::CreateEnrolmentCodeResponse> CreateEnrolmentCode(
      const Call& call, const v1::CreateEnrolmentCodeRequest& request) const;
  absl::StatusOr<v1::ListDevicesResponse> List(const Call& call,
                                               const v1::ListDevicesRequest& request) const;
  //   NOT_FOUND  the participant has no such device
  absl::StatusOr<v1::RevokeDeviceResponse> Revoke(const Call& call,
                                                  const v1::RevokeDeviceRequest& request) const;

 private:
  absl::StatusOr<v1::EnrolmentCode> NewCode(db::Transaction& tx, DeviceId device) const;

  const Context context_;
};

}  // namespace tidemark::study
