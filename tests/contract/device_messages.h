// What a device signs with its P-256 key, byte for byte as device.proto and ingest.proto define it.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace tidemark::contract {

std::string BundleMessage(std::string_view audience, DeviceId device, std::string_view bundle);
std::string SessionMessage(std::string_view audience, DeviceId device, std::string_view challenge);
std::string EnrolMessage(std::string_view code, std::string_view public_key);
std::string RotateMessage(DeviceId device, std::string_view new_public_key);

}  // namespace tidemark::contract
