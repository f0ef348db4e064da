#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/import/import.h"
#include "tests/cli/import/remembering_sink.h"
#include "tests/cli/import/text_file.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::IsOk;
using support::RememberingSink;
using support::StatusIs;
using support::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kHeader[] = "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label\n";

std::string Trial(std::string_view rows) { return std::string(kHeader) + std::string(rows); }

absl::Status PlayOne(std::string_view content) {
  TempFolder folder;
  folder.Write("s01/s01_01_sw.csv", content);
  const auto imported = ImportWatchPhone(folder.path("s01"));
  if (!imported.ok()) return imported.status();
  RememberingSink sink;
  return imported->recordings[0].play(sink);
}

TEST(WatchPhoneTest, KeepsValuesStampsAndRepeats) {
  TempFolder folder;
  folder.Write("s01/s01_01_sw.csv", Trial("0.3832031488418579,1,2,0.5,0.25,-1,1000,SEATED\n"
                                          "4,5,6,7,8,9,1000,SEATED\n"));
  folder.Write("s01/s01_02_sw.csv", Trial("1,2,3,4,5,6,5000,WALKING\r\n"));
  folder.Write("s01/s01_01_sp.csv", Trial("1,2,3,4,5,6,1001,SEATED\n"));
  TM_ASSERT_OK_AND_ASSIGN(const Imported imported, ImportWatchPhone(folder.path("s01") + "/"));
  ASSERT_EQ(imported.recordings.size(), 2u);
  EXPECT_EQ(imported.recordings[0].participant_code, "s01");
  EXPECT_EQ(imported.recordings[0].device_name, "watch");
  EXPECT_EQ(imported.recordings[1].device_name, "phone");
  EXPECT_THAT(imported.notes, ElementsAre(HasSubstr("4 labels (one per sample, 3 intervals)")));

  RememberingSink sink;
  ASSERT_THAT(imported.recordings[0].play(sink), IsOk());
  const auto& acc = sink.stream("acc");
  ASSERT_EQ(acc.runs.size(), 2u);
  EXPECT_THAT(acc.stamps(), ElementsAre(1'000'000'000, 1'000'000'000, 5'000'000'000));
  EXPECT_THAT(acc.channel<float>(0), ElementsAre(0.3832031488418579f, 4, 1));
  EXPECT_THAT(sink.stream("gyro").channel<float>(2), ElementsAre(-1, 9, 6));
  EXPECT_EQ(acc.runs[1].first_counter, 2u);
  EXPECT_EQ(acc.declaration.channels(0).unit(), "m/s2");
  EXPECT_EQ(acc.declaration.frame().rest_sign(), v1::REST_SIGN_PLUS_G);
  ASSERT_EQ(sink.boots.size(), 1u);
  EXPECT_EQ(sink.boots[0].second.monotonic_ns(), 1'000'000'000);
  ASSERT_EQ(sink.pairs.size(), 1u);
  EXPECT_EQ(sink.pairs[0].wall_ns(), sink.pairs[0].sensor_ns());
}

TEST(WatchPhoneTest, PlayingTwiceGivesTheSameBytes) {
  TempFolder folder;
  folder.Write("s01/s01_01_sw.csv", Trial("1,2,3,4,5,6,1000,A\n1,2,3,4,5,6,1010,B\n"));
  RememberingSink first, second;
  ASSERT_THAT(ImportWatchPhone(folder.path("s01"))->recordings[0].play(first), IsOk());
  ASSERT_THAT(ImportWatchPhone(folder.path("s01"))->recordings[0].play(second), IsOk());
  EXPECT_EQ(first.log, second.log);
}

TEST(WatchPhoneTest, OtherContentIsAnotherBoot) {
  TempFolder folder;
  folder.Write("s01/s01_01_sw.csv", Trial("1,2,3,4,5,6,1000,A\n"));
  RememberingSink first, second;
  ASSERT_THAT(ImportWatchPhone(folder.path("s01"))->recordings[0].play(first), IsOk());
  folder.Write("s01/s01_01_sw.csv", Trial("1,2,3,4,5,7,1000,A\n"));
  ASSERT_THAT(ImportWatchPhone(folder.path("s01"))->recordings[0].play(second), IsOk());
  EXPECT_NE(first.boots[0].first, second.boots[0].first);
}

TEST(WatchPhoneTest, NamesFileLineColumnAndRule) {
  EXPECT_THAT(PlayOne(Trial("1,2,3,4,5,6,1000,A\n1,2,x,4,5,6,1010,A\n")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("s01_01_sw.csv:3: column \"z_acc\": \"x\" is not a")));
  EXPECT_THAT(PlayOne(Trial("0.1,2,3,4,5,6,1000,A\n")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("single-precision")));
  EXPECT_THAT(PlayOne(Trial("1,2,3,4,5,6,1000.5,A\n")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("milliseconds")));
  EXPECT_THAT(PlayOne(Trial("1,2,3,4,5,6,1000\n")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 7 fields")));
  EXPECT_THAT(PlayOne("x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,time,label\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("column \"time\"")));
  EXPECT_THAT(PlayOne(""), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is empty")));
  EXPECT_THAT(PlayOne(Trial("")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("s01_01_sw.csv:2: the file holds a header and no rows")));
  EXPECT_THAT(PlayOne(Trial("1,2,3,4,5,6,1000,A\n\n1,2,3,4,5,6,1010,A\n")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("s01_01_sw.csv:3: the line is empty")));
}

TEST(WatchPhoneTest, OneTrialWithoutRowsStopsTheImport) {
  TempFolder folder;
  folder.Write("s01/s01_01_sw.csv", Trial("1,2,3,4,5,6,1000,A\n"));
  folder.Write("s01/s01_02_sw.csv", Trial("\n"));
  RememberingSink sink;
  EXPECT_THAT(ImportWatchPhone(folder.path("s01"))->recordings[0].play(sink),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("s01_02_sw.csv:")));
}

TEST(WatchPhoneTest, SaysNothingOfLabelsThatAreNotThere) {
  TempFolder folder;
  folder.Write("s01/s01_01_sw.csv", Trial("1,2,3,4,5,6,1000,\n1,2,3,4,5,6,1010,\n"));
  EXPECT_THAT(ImportWatchPhone(folder.path("s01"))->notes, ElementsAre());
}

TEST(WatchPhoneTest, FolderWithoutTrialsIsNotFound) {
  TempFolder folder;
  EXPECT_THAT(ImportWatchPhone(folder.path()), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tidemark::cli
