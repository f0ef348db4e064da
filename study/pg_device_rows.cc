#include "study/pg_device_rows.h"

#include "base/rpc/reason.h"
#include "study/fields.h"

namespace tidemark::study {

v1::Device DeviceOfRow(const pqxx::row& row) {
  v1::Device device;
  device.set_device_id(row["device_id"].as<std::string>());
  device.set_participant_id(row["participant_id"].as<std::string>());
  device.set_name(row["name"].as<std::string>());
  device.set_state(static_cast<v1::DeviceState>(row["state"].as<int>()));
  *device.mutable_created_at() = TimestampOfUs(row["created_at_us"].as<int64_t>());
  return device;
}

absl::Status NoSuchDevice() {
  return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND, "no such device");
}

absl::Status StateConflict(std::string message) {
  return rpc::Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STATE_CONFLICT,
                    std::move(message));
}

}  // namespace tidemark::study
