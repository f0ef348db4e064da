#include "base/flags/flags.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/status_matchers.h"

namespace tidemark::flags {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A program `tool` with an option of each kind and commands of two levels.
class FlagsTest : public ::testing::Test {
 protected:
  FlagsTest() {
    level_ = parser_.root().AddOption("--level", level_value_, "How much").ShowDefault();
    level_.Range(1, 9).FromEnvironment();
    parser_.root().AddFlag("-q,--quiet", quiet_, "Say less");
    parser_.AddVersion("1.2.3");
    const Command study = parser_.root().AddCommand("study", "Studies");
    const Command make = study.AddCommand("make", "Make one", [this] { chosen_ += "make"; });
    make.AddOption("name", name_, "Its name").Required();
    make.AddOption("--kind", kind_, "What it is").OneOf({"long", "short"});
    make.AddOption("--tag", tags_, "May be repeated");
    study.AddCommand("list", "List them", [this] { chosen_ += "list"; });
  }

  absl::StatusOr<Parsed> Parse(const std::vector<std::string>& args) { return parser_.Parse(args); }

  Parser parser_{"A tool", "tool"};
  int level_value_ = 3;
  bool quiet_ = false;
  std::string name_, kind_, chosen_;
  std::vector<std::string> tags_;
  Option level_{nullptr};
};

TEST_F(FlagsTest, ValuesAreTakenAndTheCommandIsChosenOnce) {
  ASSERT_THAT(Parse({"study", "-q", "make", "--tag", "a", "x", "--tag", "b", "--level", "7"}),
              IsOk());
  EXPECT_EQ(chosen_, "make");
  EXPECT_EQ(name_, "x");
  EXPECT_THAT(tags_, ElementsAre("a", "b"));
  EXPECT_EQ(level_value_, 7);
  EXPECT_TRUE(quiet_);
  EXPECT_TRUE(level_.given());
  EXPECT_EQ(parser_.path(), "tool study make");
}

TEST_F(FlagsTest, ARuleThatIsBrokenIsNamedAndNothingIsChosen) {
  const auto fault = [](const char* what) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what));
  };
  EXPECT_THAT(Parse({"study", "make", "x", "--level", "10"}), fault("--level"));
  EXPECT_THAT(Parse({"study", "make", "x", "--level", "high"}), fault("--level"));
  EXPECT_THAT(Parse({"study", "make", "x", "--kind", "wide"}), fault("wide"));
  EXPECT_THAT(Parse({"study", "make"}), fault("name is required"));
  EXPECT_THAT(Parse({"study", "make", "x", "--nonsense"}), fault("--nonsense"));
  EXPECT_THAT(Parse({"study"}), fault("subcommand"));
  EXPECT_EQ(chosen_, "");
}

TEST_F(FlagsTest, AnUnknownCommandIsNamedAfterTheOnesThatWereUnderstood) {
  EXPECT_THAT(Parse({"study", "break"}), StatusIs(absl::StatusCode::kInvalidArgument,
                                                  "there is no command \"tool study break\""));
  EXPECT_EQ(parser_.path(), "tool study");
}

TEST_F(FlagsTest, HelpAndVersionAreAnswers) {
  EXPECT_THAT(Parse({"study", "make", "--help"})->answer,
              AllOf(HasSubstr("--kind"), HasSubstr("Its name")));
  EXPECT_THAT(Parse({"--help"})->answer, AllOf(HasSubstr("--level INT:INT in [1 - 9]=3")));
  EXPECT_EQ(Parse({"--version"})->answer, "1.2.3\n");
  EXPECT_EQ(chosen_, "");
}

TEST_F(FlagsTest, AVariableStandsInForItsOption) {
  setenv("TIDEMARK_LEVEL", "5", 1);
  const auto from_variable = Parse({"study", "list"});
  const int level_of_variable = level_value_;
  const auto from_option = Parse({"study", "list", "--level", "6"});
  unsetenv("TIDEMARK_LEVEL");
  ASSERT_THAT(from_variable, IsOk());
  ASSERT_THAT(from_option, IsOk());
  EXPECT_EQ(level_of_variable, 5);
  EXPECT_EQ(level_value_, 6);
}

TEST_F(FlagsTest, TheTreeIsDescribedFromTheRootDown) {
  const auto names = [](const std::vector<Word>& words) {
    std::vector<std::string> all;
    for (const Word& word : words) all.push_back(word.name);
    return all;
  };
  const std::vector<Syntax> tree = parser_.Describe();
  ASSERT_EQ(tree.size(), 4);
  EXPECT_EQ(tree[0].path, "");
  EXPECT_THAT(names(tree[0].options), ElementsAre("--help", "--level", "--quiet", "--version"));
  EXPECT_THAT(names(tree[0].commands), ElementsAre("study"));
  EXPECT_EQ(tree[1].path, "study");
  EXPECT_EQ(tree[2].path, "study make");
  EXPECT_THAT(names(tree[2].options), ElementsAre("--help", "--kind", "--tag"));
  EXPECT_EQ(tree[3].commands.size(), 0);
  EXPECT_EQ(tree[1].commands[0].help, "Make one");
}

TEST(NumberTest, WhatIsNoneIsRefusedWithItsRule) {
  uint64_t count = 7;
  double share = 0.5;
  const auto parse = [&](const std::string& option, const std::string& text) {
    Parser parser("A tool", "tool");
    parser.root().AddOption("--count", count, "How many");
    parser.root().AddOption("--share", share, "How much of it");
    return parser.Parse(std::vector<std::string>{option, text});
  };
  for (const char* text : {"-3", "", "3x", "x", "99999999999999999999", "1.5"}) {
    EXPECT_THAT(parse("--count", text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("--count"), HasSubstr("whole number from 0"))))
        << text;
  }
  EXPECT_EQ(count, 7u);
  ASSERT_THAT(parse("--count", "18446744073709551615"), IsOk());
  EXPECT_EQ(count, UINT64_MAX);
  EXPECT_THAT(parse("--share", "half"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--share: is a number")));
  ASSERT_THAT(parse("--share", "-1.25e2"), IsOk());
  EXPECT_EQ(share, -125);
}

TEST(SettingsFileTest, FillsInAndHandsOnWhatNothingTakes) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("flags_test." + std::to_string(::getpid())))
          .string();
  std::ofstream(path) << "level=4\nstrange=1\n";
  Parser parser("A tool", "tool");
  int level = 3;
  parser.root().AddOption("--level", level, "How much");
  parser.AddSettingsFile("--config", "File").FromEnvironment();
  parser.CollectUnknown();
  const auto parsed = parser.Parse(std::vector<std::string>{"--config", path, "--odd"});
  std::filesystem::remove(path);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(level, 4);
  EXPECT_THAT(parsed->unknown,
              AllOf(testing::Contains("--odd"), testing::Contains(HasSubstr("strange"))));
  EXPECT_THAT(parsed->answer, IsEmpty());
  EXPECT_THAT(parser.Parse(std::vector<std::string>{"--config", path}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)));
}

}  // namespace
}  // namespace tidemark::flags
