#include <filesystem>
#include <optional>

#include "study/bootstrap.h"
#include "study/receipt_keys.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using support::IsOkAndHolds;

class ReceiptKeysTest : public StudyFixture {};

TEST_F(ReceiptKeysTest, KeyIsRegisteredOnceAndListed) {
  TM_ASSERT_OK_AND_ASSIGN(const std::string id,
                          RegisterReceiptKey(pool_, *keys_, clock_, Deadline()));
  EXPECT_THAT(RegisterReceiptKey(pool_, *keys_, clock_, Deadline()), IsOkAndHolds(id));
  TM_ASSERT_OK_AND_ASSIGN(const auto keys, ListReceiptKeys(pool_, Deadline()));
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].key_id(), id);
  EXPECT_EQ(ReceiptKeyId(keys[0].public_key()), id);
  EXPECT_TRUE(keys[0].has_valid_from());
  EXPECT_FALSE(keys[0].has_valid_until());

  TM_ASSERT_OK_AND_ASSIGN(const std::string pem, keys_->ReceiptKeyPem());
  TM_ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::FromPem(pem));
  TM_ASSERT_OK_AND_ASSIGN(const VerifyKey verify, VerifyKey::FromEd25519Raw(keys[0].public_key()));
  EXPECT_TRUE(verify.Verify("message", key.Sign("message")));
}

class ReceiptKeyRotationTest : public ReceiptKeysTest {
 protected:
  std::string Register() {
    const auto id = RegisterReceiptKey(pool_, *keys_, clock_, Deadline());
    EXPECT_THAT(id, IsOk());
    return id.value_or("");
  }
  // When the key ends; nothing while it is in use.
  std::optional<absl::Time> EndOf(const std::string& id) {
    const auto keys = ListReceiptKeys(pool_, Deadline());
    EXPECT_THAT(keys, IsOk());
    for (const v1::ReceiptKey& key : *keys) {
      if (key.key_id() != id || !key.has_valid_until()) continue;
      return absl::FromUnixSeconds(key.valid_until().seconds()) +
             absl::Nanoseconds(key.valid_until().nanos());
    }
    return std::nullopt;
  }
  absl::Status CheckInForce(const std::string& id, absl::Duration more = absl::ZeroDuration()) {
    return CheckReceiptKeyInForce(pool_, id, clock_.Now() + more, Deadline());
  }
  std::filesystem::path Pem() const { return folder_ / "receipt.pem"; }
};

TEST_F(ReceiptKeyRotationTest, OldKeyEndsAfterTheOverlapAndStaysListed) {
  const std::string old_id = Register();
  EXPECT_EQ(EndOf(old_id), std::nullopt);
  EXPECT_THAT(CheckInForce(old_id), IsOk());

  std::filesystem::rename(Pem(), folder_ / "receipt.pem.old");
  clock_.Advance(absl::Hours(24));
  const std::string new_id = Register();
  ASSERT_NE(new_id, old_id);
  const absl::Time end =
      absl::FromUnixMicros(absl::ToUnixMicros(clock_.Now() + kReceiptKeyOverlap));
  EXPECT_EQ(EndOf(old_id), end);
  EXPECT_EQ(EndOf(new_id), std::nullopt);
  EXPECT_THAT(CheckInForce(new_id), IsOk());

  EXPECT_THAT(CheckInForce(old_id), IsOk());
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckInForce(old_id, kReceiptKeyOverlap)));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckInForce("0123456789abcdef")));

  // The other servers are started again: the end stays where it was.
  clock_.Advance(absl::Minutes(3));
  EXPECT_EQ(Register(), new_id);
  EXPECT_EQ(EndOf(old_id), end);
}

TEST_F(ReceiptKeyRotationTest, KeyThatIsPutBackGoesOn) {
  const std::string old_id = Register();
  std::filesystem::rename(Pem(), folder_ / "receipt.pem.old");
  const std::string new_id = Register();
  std::filesystem::rename(folder_ / "receipt.pem.old", Pem());
  EXPECT_EQ(Register(), old_id);
  EXPECT_EQ(EndOf(old_id), std::nullopt);
  EXPECT_TRUE(EndOf(new_id).has_value());
}

TEST_F(ReceiptKeysTest, ThereIsOneFirstOperator) {
  const auto fails = [](const std::string&) { return absl::UnavailableError("disk full"); };
  EXPECT_TRUE(absl::IsUnavailable(CreateFirstOperator(pool_, clock_, Deadline(), fails)));
  std::string token;
  const auto keep = [&](const std::string& made) {
    token = made;
    return absl::OkStatus();
  };
  ASSERT_THAT(CreateFirstOperator(pool_, clock_, Deadline(), keep), IsOk());
  EXPECT_EQ(Token::Parse(token)->kind, TokenKind::kOperator);
  EXPECT_TRUE(absl::IsFailedPrecondition(CreateFirstOperator(pool_, clock_, Deadline(), keep)));
}

}  // namespace
}  // namespace tidemark::study
