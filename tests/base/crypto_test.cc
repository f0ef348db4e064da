#include "base/crypto.h"

#include <openssl/err.h>

#include "base/base64.h"
#include "tests/support/status_matchers.h"

namespace tidemark {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

std::string Bytes(std::string_view hex) { return HexDecode(hex).value(); }
std::string Hex(const Sha256Digest& digest) { return HexEncode(AsView(digest)); }

// Every way of flipping one bit of `bytes`.
std::vector<std::string> Tampered(const std::string& bytes) {
  std::vector<std::string> all;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    all.push_back(bytes);
    all.back()[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  return all;
}

TEST(Sha256, KnownAnswers) {  // FIPS 180-4 examples
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Stream, PiecesGiveTheDigestOfTheWholeAndItStartsAnew) {
  Sha256Stream stream;
  stream.Update("a");
  stream.Update("");
  stream.Update("bc");
  EXPECT_EQ(stream.Finish(), Sha256("abc"));
  EXPECT_EQ(stream.Finish(), Sha256(""));
  stream.Update("x");
  Sha256Stream moved = std::move(stream);
  moved.Update("y");
  EXPECT_EQ(moved.Finish(), Sha256("xy"));
}

TEST(HmacSha256, KnownAnswers) {  // RFC 4231 cases 1, 2 and 6 (a key longer than a block)
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'),
                           "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(RandomBytes, HasTheSizeAskedForAndDiffers) {
  EXPECT_EQ(RandomBytes(0).size(), 0u);
  EXPECT_EQ(RandomBytes(33).size(), 33u);
  EXPECT_NE(RandomBytes(16), RandomBytes(16));
}

TEST(ConstantTimeEquals, ComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("secret", "secret"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secreT"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secre"));
}

class AesGcm : public testing::Test {
 protected:
  const std::string key_ = std::string(kAesKeyBytes, 'k');
  const std::string plain_ = std::string("samples\0of a watch", 18);
  const std::string sealed_ = AesGcmSeal(key_, "segment/7", plain_);
};

TEST_F(AesGcm, OpensWhatItSealed) {
  EXPECT_EQ(sealed_.size(), plain_.size() + kAesOverheadBytes);
  EXPECT_THAT(AesGcmOpen(key_, "segment/7", sealed_), IsOkAndHolds(plain_));
  EXPECT_THAT(AesGcmOpen(key_, "", AesGcmSeal(key_, "", "")), IsOkAndHolds(""));
}

TEST_F(AesGcm, NeverRepeatsANonce) { EXPECT_NE(AesGcmSeal(key_, "segment/7", plain_), sealed_); }

// The test vector of NIST's GCM specification, case 14: key, nonce and block of zeros.
TEST_F(AesGcm, OpensAKnownVector) {
  const std::string sealed = std::string(12, '\0') + Bytes("cea7403d4d606b6e074ec5d3baf39d18") +
                             Bytes("d0d1c8a799996bf0265b98b5d48ab919");
  EXPECT_THAT(AesGcmOpen(std::string(32, '\0'), "", sealed), IsOkAndHolds(std::string(16, '\0')));
}

TEST_F(AesGcm, AnotherKeyOrPlaceIsDataLoss) {
  const auto is_loss = StatusIs(absl::StatusCode::kDataLoss);
  EXPECT_THAT(AesGcmOpen(std::string(kAesKeyBytes, 'K'), "segment/7", sealed_), is_loss);
  EXPECT_THAT(AesGcmOpen(key_, "segment/8", sealed_), is_loss);
  EXPECT_THAT(AesGcmOpen(key_, "", sealed_), is_loss);
}

TEST_F(AesGcm, AnyFlippedBitOrMissingByteIsDataLoss) {
  for (const std::string& tampered : Tampered(sealed_)) {
    ASSERT_THAT(AesGcmOpen(key_, "segment/7", tampered), StatusIs(absl::StatusCode::kDataLoss));
  }
  for (size_t size = 0; size < sealed_.size(); ++size) {
    ASSERT_THAT(AesGcmOpen(key_, "segment/7", sealed_.substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss));
  }
}

// RFC 8032 §7.1, tests 1 and 2.
TEST(Ed25519, KnownAnswers) {
  struct Vector {
    std::string seed, key, message, signature;
  };
  const Vector vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
       "9"
       "b46bd25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
       "1"
       "1d8c387b2eaeb4302aeeb00d291612bb0c00"}};
  for (const Vector& vector : vectors) {
    TM_ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::FromEd25519Seed(Bytes(vector.seed)));
    EXPECT_EQ(HexEncode(key.Public().Export()), vector.key);
    EXPECT_EQ(HexEncode(key.Sign(Bytes(vector.message))), vector.signature);
    TM_ASSERT_OK_AND_ASSIGN(const VerifyKey verify, VerifyKey::FromEd25519Raw(Bytes(vector.key)));
    EXPECT_TRUE(verify.Verify(Bytes(vector.message), Bytes(vector.signature)));
  }
}

// What both schemes promise.
class Signature : public testing::TestWithParam<SigningKey (*)()> {
 protected:
  const SigningKey key_ = GetParam()();
};

TEST_P(Signature, VerifiesAndShowsAnyChange) {
  const std::string signature = key_.Sign("the message");
  const VerifyKey verify = key_.Public();
  EXPECT_TRUE(verify.Verify("the message", signature));
  EXPECT_FALSE(verify.Verify("the messagE", signature));
  EXPECT_FALSE(verify.Verify("", signature));
  EXPECT_FALSE(verify.Verify("the message", ""));
  for (const std::string& tampered : Tampered(signature)) {
    ASSERT_FALSE(verify.Verify("the message", tampered));
  }
  EXPECT_FALSE(GetParam()().Public().Verify("the message", signature));
}

TEST_P(Signature, KeySurvivesItsPem) {
  TM_ASSERT_OK_AND_ASSIGN(const SigningKey copy, SigningKey::FromPem(key_.ExportPem()));
  EXPECT_EQ(copy.Public().Export(), key_.Public().Export());
  EXPECT_TRUE(key_.Public().Verify("m", copy.Sign("m")));
}

INSTANTIATE_TEST_SUITE_P(, Signature,
                         testing::Values(&SigningKey::GenerateP256, &SigningKey::GenerateEd25519),
                         [](const auto& instance) {
                           return instance.param == &SigningKey::GenerateP256 ? "P256" : "Ed25519";
                         });

TEST(VerifyKey, P256SurvivesItsDer) {
  const SigningKey key = SigningKey::GenerateP256();
  TM_ASSERT_OK_AND_ASSIGN(const VerifyKey copy, VerifyKey::FromP256Der(key.Public().Export()));
  EXPECT_TRUE(copy.Verify("m", key.Sign("m")));
}

TEST(VerifyKey, RefusesOtherKeysAndTrailingBytes) {
  const auto is_invalid = StatusIs(absl::StatusCode::kInvalidArgument);
  const std::string der = SigningKey::GenerateP256().Public().Export();
  EXPECT_THAT(VerifyKey::FromP256Der(""), is_invalid);
  EXPECT_THAT(VerifyKey::FromP256Der(der + "x"), is_invalid);
  EXPECT_THAT(VerifyKey::FromP256Der(der.substr(0, der.size() - 1)), is_invalid);
  EXPECT_THAT(VerifyKey::FromEd25519Raw(std::string(31, 'x')), is_invalid);
  EXPECT_THAT(SigningKey::FromEd25519Seed(std::string(33, 'x')), is_invalid);
  EXPECT_THAT(SigningKey::FromPem("-----BEGIN NOTHING-----"), is_invalid);
  // The point moved off the curve.
  std::string off_curve = der;
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  EXPECT_THAT(VerifyKey::FromP256Der(off_curve), is_invalid);
}

// TLS code on the same thread reads that queue.
TEST(Refusals, LeaveNothingInTheErrorQueue) {
  const SigningKey key = SigningKey::GenerateP256();
  EXPECT_FALSE(key.Public().Verify("m", "not a signature"));
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_FALSE(VerifyKey::FromP256Der("not DER").ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_FALSE(SigningKey::FromPem("not PEM").ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_FALSE(AesGcmOpen(std::string(kAesKeyBytes, 'k'), "", std::string(40, 'x')).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace tidemark
