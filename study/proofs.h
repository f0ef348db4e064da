// The exact bytes that devices sign (proto/tidemark/v1/device.proto and ingest.proto).
#pragma once

#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/ids.h"

namespace tidemark::study {

std::string EnrolProofBytes(std::string_view code, std::string_view public_key);
std::string SessionProofBytes(std::string_view audience, DeviceId device,
                              std::string_view challenge);
std::string RotateProofBytes(DeviceId device, std::string_view new_public_key);
std::string BundleProofBytes(std::string_view audience, DeviceId device, std::string_view bundle);

}  // namespace tidemark::study
