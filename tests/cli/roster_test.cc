#include "cli/roster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::IsOk;
using testing::HasSubstr;

class RosterFileTest : public testing::Test {
 protected:
  ~RosterFileTest() override { std::filesystem::remove(path_); }
  absl::StatusOr<std::vector<v1::RosterEntry>> Read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return ReadRoster(path_);
  }
  std::string FaultOf(const std::string& text) {
    return std::string(Read(text).status().message());
  }

  const std::string path_ =
      std::filesystem::temp_directory_path() / ("tm_roster_" + Uuid::MakeRandom().ToString());
};

TEST_F(RosterFileTest, ReadsEveryColumn) {
  TM_ASSERT_OK_AND_ASSIGN(
      const auto entries,
      Read("\xEF\xBB\xBF"
           "code,consent,consent_from,document,age_from,age_to,sex,handedness,skin_tone_"
           "monk,height_cm,wrist_mm\r\n"
           "p1,motion physiology,1970-01-01T00:00:01Z,ICF-2,30,39,female,left,4,171,160\r\n"
           "p2,\"audio; motion\",,ICF-2,,,,,,,\r\n"));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].code(), "p1");
  EXPECT_EQ(entries[0].consented_size(), 2);
  EXPECT_EQ(entries[0].consented_from_ns(), 1'000'000'000);
  EXPECT_FALSE(entries[1].has_consented_from_ns());
  EXPECT_EQ(entries[0].attributes().age_to(), 39u);
  EXPECT_EQ(entries[0].attributes().handedness(), v1::HANDEDNESS_LEFT);
  EXPECT_EQ(entries[1].consented(0), v1::DATA_KIND_AUDIO);
  EXPECT_FALSE(entries[1].has_attributes());
}

TEST_F(RosterFileTest, FaultsNameLineAndColumn) {
  EXPECT_THAT(FaultOf(""), HasSubstr("empty"));
  EXPECT_THAT(FaultOf("name\nx\n"), HasSubstr("name"));
  EXPECT_THAT(FaultOf("document\nx\n"), HasSubstr("code"));
  EXPECT_THAT(FaultOf("code,code\nx,y\n"), HasSubstr("once"));
  EXPECT_THAT(FaultOf("code\np1\np2\np1\n"), HasSubstr("line 2"));
  EXPECT_THAT(FaultOf("code,consent\np1,motoin\n"), HasSubstr("motoin"));
  EXPECT_THAT(FaultOf("code,age_from\np1,young\n"), HasSubstr("age_from"));
  EXPECT_THAT(FaultOf("code,consent_from\np1,lately\n"), HasSubstr("consent_from"));
  EXPECT_THAT(FaultOf("code,document\np1\n"), HasSubstr(":2"));
  EXPECT_THAT(FaultOf("code,document\n,x\n"), HasSubstr("code"));
  EXPECT_THAT(FaultOf("code\np\xE9t\xE9\n"), HasSubstr("UTF-8"));
}

TEST_F(RosterFileTest, ReadsAHundredThousandLines) {
  std::string text = "code,consent,document\n";
  for (int i = 0; i < 100'000; ++i) text += "p" + std::to_string(i) + ",motion,ICF-1\n";
  const auto entries = Read(text);
  ASSERT_THAT(entries, IsOk());
  EXPECT_EQ(entries->size(), 100'000u);
}

}  // namespace
}  // namespace tidemark::cli
