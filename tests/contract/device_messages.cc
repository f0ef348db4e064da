#include "tests/contract/device_messages.h"

#include "base/crypto.h"
#include "base/endian.h"

namespace tidemark::contract {
namespace {

void AppendAudience(std::string& message, std::string_view audience) {
  AppendLe(message, static_cast<uint32_t>(audience.size()));
  message += audience;
}

}  // namespace

std::string BundleMessage(std::string_view audience, DeviceId device, std::string_view bundle) {
  std::string message = "tidemark-bundle-v1";
  AppendAudience(message, audience);
  message += device.AsBytes();
  message += AsView(Sha256(bundle));
  AppendLe(message, static_cast<uint64_t>(bundle.size()));
  return message;
}

std::string SessionMessage(std::string_view audience, DeviceId device, std::string_view challenge) {
  std::string message = "tidemark-session-v1";
  AppendAudience(message, audience);
  message += device.AsBytes();
  message += challenge;
  return message;
}

std::string EnrolMessage(std::string_view code, std::string_view public_key) {
  std::string message = "tidemark-enrol-v1";
  message += AsView(Sha256(code));
  message += public_key;
  return message;
}

std::string RotateMessage(DeviceId device, std::string_view new_public_key) {
  std::string message = "tidemark-rotate-v1";
  message += device.AsBytes();
  message += new_public_key;
  return message;
}

}  // namespace tidemark::contract
