#include "cli/enum_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(EnumWords, EveryValueButTheFirstHasAWordThatLeadsBack) {
  for (const std::string& word : WordsOf<v1::Role>()) {
    TM_ASSERT_OK_AND_ASSIGN(const v1::Role role, ParseWord<v1::Role>("--role", word));
    EXPECT_EQ(WordOf(role), word);
  }
  EXPECT_EQ(WordsOf<v1::Role>().front(), "labeler");
  EXPECT_EQ(WordOf(static_cast<v1::Role>(77)), "77");
}

TEST(EnumWords, AWrongWordNamesTheOptionAndTheChoice) {
  const absl::Status status = ParseWord<v1::Role>("--role", "king").status();
  EXPECT_THAT(status.message(), HasSubstr("--role"));
  EXPECT_THAT(status.message(), HasSubstr("labeler, researcher"));
  EXPECT_FALSE(ParseWord<v1::Role>("--role", "unspecified").ok());
  EXPECT_FALSE(ParseWord<v1::Role>("--role", "").ok());
}

TEST(EnumWords, KindsOfDataAreSeparatedByCommas) {
  TM_ASSERT_OK_AND_ASSIGN(const auto kinds, ParseDataKinds("--data", "audio,motion"));
  EXPECT_THAT(kinds, ElementsAre(v1::DATA_KIND_AUDIO, v1::DATA_KIND_MOTION));
  TM_ASSERT_OK_AND_ASSIGN(const auto none, ParseDataKinds("--data", ""));
  EXPECT_TRUE(none.empty());
  EXPECT_FALSE(ParseDataKinds("--data", "audio,,motion").ok());
}

}  // namespace
}  // namespace tidemark::cli
