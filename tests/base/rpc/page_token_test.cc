#include "base/rpc/page_token.h"

#include "base/rpc/reason.h"
#include "tests/support/status_matchers.h"

namespace tidemark::rpc {
namespace {

using support::IsOkAndHolds;

const PageTokenBinding kBinding{"key", "/a/B", "caller"};

void ExpectRefused(const PageTokenBinding& binding, std::string_view token) {
  EXPECT_EQ(ReasonOf(ReadPageToken(binding, token).status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST(PageTokenTest, GivesTheCursorBack) {
  const std::string cursor("a\0b", 3);
  EXPECT_THAT(ReadPageToken(kBinding, MakePageToken(kBinding, cursor)), IsOkAndHolds(cursor));
}

TEST(PageTokenTest, EmptyTokenIsTheFirstPage) {
  EXPECT_THAT(ReadPageToken(kBinding, ""), IsOkAndHolds(std::string()));
}

TEST(PageTokenTest, IsBoundToKeyMethodAndCaller) {
  const std::string token = MakePageToken(kBinding, "cursor");
  ExpectRefused({"other", "/a/B", "caller"}, token);
  ExpectRefused({"key", "/a/C", "caller"}, token);
  ExpectRefused({"key", "/a/B", "other"}, token);
  // Moving a byte from one part to the next is another binding.
  ExpectRefused({"key", "/a/Bc", "aller"}, token);
}

TEST(PageTokenTest, EveryAlteredCharacterIsNoticed) {
  const std::string token = MakePageToken(kBinding, "cursor");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    ExpectRefused(kBinding, altered);
  }
  ExpectRefused(kBinding, "not base64!");
  ExpectRefused(kBinding, "AQ");
}

TEST(PageTokenTest, PageSizeHasADefaultAndALimit) {
  EXPECT_THAT(PageSizeOf(0), IsOkAndHolds(kPageSizeDefault));
  EXPECT_THAT(PageSizeOf(1000), IsOkAndHolds(1000u));
  EXPECT_EQ(ReasonOf(PageSizeOf(1001).status()), v1::ERROR_REASON_FIELD_INVALID);
}

}  // namespace
}  // namespace tidemark::rpc
