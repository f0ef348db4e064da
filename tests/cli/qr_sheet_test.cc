#include "cli/qr_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(QrSheet, HasALabelPerCodeInRowsOfThree) {
  std::vector<CodeLabel> labels;
  for (int i = 0; i < 7; ++i) {
    labels.push_back({"p" + std::to_string(i), "watch", "tme_0123456789abcdef0123_secret", "soon"});
  }
  TM_ASSERT_OK_AND_ASSIGN(const std::string svg, QrSheet(labels));
  EXPECT_EQ(Count(svg, "<path "), 7u);
  EXPECT_THAT(svg, HasSubstr("height=\"236mm\""));
  EXPECT_THAT(svg, HasSubstr("p6 · watch"));
}

TEST(QrSheet, TextIsEscaped) {
  const CodeLabel label{"<p&1>", "\"w\"", "code", "soon"};
  TM_ASSERT_OK_AND_ASSIGN(const std::string svg, QrSheet(std::span(&label, 1)));
  EXPECT_THAT(svg, HasSubstr("&lt;p&amp;1&gt; · &quot;w&quot;"));
  EXPECT_THAT(svg, Not(HasSubstr("<p&")));
}

TEST(QrSheet, ACodeThatDoesNotFitIsRefused) {
  const CodeLabel label{"p", "w", std::string(5'000, 'x'), "soon"};
  EXPECT_EQ(QrSheet(std::span(&label, 1)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(QrSheet, NoLabelsMakeAnEmptySheet) {
  TM_ASSERT_OK_AND_ASSIGN(const std::string svg, QrSheet({}));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
}

}  // namespace
}  // namespace tidemark::cli
