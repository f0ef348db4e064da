#include "study/token.h"

#include <gtest/gtest.h>

#include <set>

namespace tidemark::study {
namespace {

TEST(TokenTest, TextGoesThereAndBack) {
  for (const TokenKind kind :
       {TokenKind::kOperator, TokenKind::kStaff, TokenKind::kService, TokenKind::kStaffSession,
        TokenKind::kSignInCode, TokenKind::kDeviceSession, TokenKind::kEnrolment}) {
    const Token token = Token::Make(kind);
    const auto parsed = Token::Parse(token.ToString());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->kind, kind);
    EXPECT_EQ(parsed->public_id, token.public_id);
    EXPECT_EQ(parsed->secret, token.secret);
  }
}

TEST(TokenTest, NoTwoAreAlike) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(Token::Make(TokenKind::kStaff).ToString());
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(TokenTest, ProvesItsOwnHashOnly) {
  const Token token = Token::Make(TokenKind::kStaff);
  const Sha256Digest hash = token.SecretHash();
  EXPECT_TRUE(token.Proves(AsView(hash)));
  EXPECT_FALSE(Token::Make(TokenKind::kStaff).Proves(AsView(hash)));
  EXPECT_FALSE(token.Proves(""));
}

TEST(TokenTest, OtherTextIsNoToken) {
  const std::string good = Token::Make(TokenKind::kStaff).ToString();
  EXPECT_FALSE(Token::Parse(""));
  EXPECT_FALSE(Token::Parse(good + "A"));
  EXPECT_FALSE(Token::Parse(good.substr(1)));
  std::string kind = good;
  kind[2] = 'x';
  EXPECT_FALSE(Token::Parse(kind));
  std::string id = good;
  id[5] = 'Z';
  EXPECT_FALSE(Token::Parse(id));
}

}  // namespace
}  // namespace tidemark::study
