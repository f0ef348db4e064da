// Rows of `device` as messages.
#pragma once

#include <pqxx/pqxx>

#include "absl/status/status.h"
#include "tidemark/v1/device.pb.h"

namespace tidemark::study {

// From a row with device_id, participant_id, name, state and created_at_us.
v1::Device DeviceOfRow(const pqxx::row& row);

absl::Status NoSuchDevice();
// FAILED_PRECONDITION, STATE_CONFLICT.
absl::Status StateConflict(std::string message);

}  // namespace tidemark::study
