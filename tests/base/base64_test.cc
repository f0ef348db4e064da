#include "base/base64.h"

#include "tests/support/status_matchers.h"

namespace tidemark {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

constexpr auto kInvalidTexts = absl::StatusCode::kInvalidArgument;

struct Pair {
  std::string bytes;
  std::string text;
};

// RFC 4648 §10, without padding, and the two characters that set the URL alphabet apart.
TEST(Base64Url, KnownAnswers) {
  const Pair pairs[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
  for (const auto& [bytes, text] : pairs) {
    EXPECT_EQ(Base64UrlEncode(bytes), text);
    EXPECT_THAT(Base64UrlDecode(text), IsOkAndHolds(bytes));
  }
}

TEST(Base64Url, EveryByteSurvivesAtEveryOffset) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (size_t cut = 0; cut < 3; ++cut) {
    const std::string piece = bytes.substr(cut);
    EXPECT_THAT(Base64UrlDecode(Base64UrlEncode(piece)), IsOkAndHolds(piece));
  }
}

TEST(Base64Url, RefusesWhatItWouldNotWrite) {
  EXPECT_THAT(Base64UrlDecode("Zg=="), StatusIs(kInvalidTexts));  // padding
  EXPECT_THAT(Base64UrlDecode("+A"), StatusIs(kInvalidTexts));    // the other alphabet
  EXPECT_THAT(Base64UrlDecode("Zm9v\n"), StatusIs(kInvalidTexts));
  EXPECT_THAT(Base64UrlDecode("Z"), StatusIs(kInvalidTexts));   // six bits make no byte
  EXPECT_THAT(Base64UrlDecode("Zh"), StatusIs(kInvalidTexts));  // stray low bits: a second spelling
}

TEST(Hex, KnownAnswers) {
  EXPECT_EQ(HexEncode(std::string_view("\x00\x0f\xa5\xff", 4)), "000fa5ff");
  EXPECT_THAT(HexDecode("000fA5Ff"), IsOkAndHolds(std::string("\x00\x0f\xa5\xff", 4)));
  EXPECT_THAT(HexDecode(""), IsOkAndHolds(""));
}

TEST(Hex, RefusesOddLengthAndOtherCharacters) {
  EXPECT_THAT(HexDecode("abc"), StatusIs(kInvalidTexts));
  EXPECT_THAT(HexDecode("0g"), StatusIs(kInvalidTexts));
  EXPECT_THAT(HexDecode("\xff\xff"), StatusIs(kInvalidTexts));
}

}  // namespace
}  // namespace tidemark
