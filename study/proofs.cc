#include "study/proofs.h"

#include "base/endian.h"

namespace tidemark::study {
namespace {

void AppendSized(std::string& bytes, std::string_view part) {
  AppendLe(bytes, static_cast<uint32_t>(part.size()));
  bytes += part;
}

}  // namespace

std::string EnrolProofBytes(std::string_view code, std::string_view public_key) {
  std::string bytes = "tidemark-enrol-v1";
  const Sha256Digest code_hash = Sha256(code);
  bytes += AsView(code_hash);
  bytes += public_key;
  return bytes;
}

std::string SessionProofBytes(std::string_view audience, DeviceId device,
                              std::string_view challenge) {
  std::string bytes = "tidemark-session-v1";
  AppendSized(bytes, audience);
  bytes += device.AsBytes();
  bytes += challenge;
  return bytes;
}

std::string RotateProofBytes(DeviceId device, std::string_view new_public_key) {
  std::string bytes = "tidemark-rotate-v1";
  bytes += device.AsBytes();
  bytes += new_public_key;
  return bytes;
}

std::string BundleProofBytes(std::string_view audience, DeviceId device, std::string_view bundle) {
  std::string bytes = "tidemark-bundle-v1";
  AppendSized(bytes, audience);
  bytes += device.AsBytes();
  const Sha256Digest bundle_hash = Sha256(bundle);
  bytes += AsView(bundle_hash);
  AppendLe(bytes, static_cast<uint64_t>(bundle.size()));
  return bytes;
}

}  // namespace tidemark::study
