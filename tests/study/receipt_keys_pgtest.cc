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

TEST_F(ReceiptKeysTest, NewDatabaseIsOfGenerationZero) {
  EXPECT_THAT(DatabaseGeneration(pool_, Deadline()), IsOkAndHolds(0u));
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
