#include "study/proofs.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace tidemark::study {
namespace {

const DeviceId kDevice = *DeviceId::Parse("00010203-0405-0607-0809-0a0b0c0d0e0f");
const char kDeviceHex[] = "000102030405060708090a0b0c0d0e0f";

std::string Hex(std::string_view bytes) { return HexEncode(bytes); }

// The layouts as the protos write them down, byte by byte.
TEST(ProofsTest, Enrol) {
  const Sha256Digest code_hash = Sha256("code");
  EXPECT_EQ(Hex(EnrolProofBytes("code", "KEY")),
            Hex("tidemark-enrol-v1") + Hex(AsView(code_hash)) + Hex("KEY"));
}

TEST(ProofsTest, Session) {
  EXPECT_EQ(Hex(SessionProofBytes("aud", kDevice, "challenge")),
            Hex("tidemark-session-v1") + "03000000" + Hex("aud") + kDeviceHex + Hex("challenge"));
}

TEST(ProofsTest, Rotate) {
  EXPECT_EQ(Hex(RotateProofBytes(kDevice, "KEY")),
            Hex("tidemark-rotate-v1") + kDeviceHex + Hex("KEY"));
}

TEST(ProofsTest, Bundle) {
  const Sha256Digest bundle_hash = Sha256("bundle");
  EXPECT_EQ(Hex(BundleProofBytes("aud", kDevice, "bundle")),
            Hex("tidemark-bundle-v1") + "03000000" + Hex("aud") + kDeviceHex +
                Hex(AsView(bundle_hash)) + "0600000000000000");
}

}  // namespace
}  // namespace tidemark::study
