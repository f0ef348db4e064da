#include "cli/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "cli/exit_code.h"
#include "cli/sample_printer.h"
#include "cli/time_option.h"
#include "cli/unreadable_text.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::cli {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({"NAME", "COUNT"});
  table.AddRow({"a", "1,234"});
  table.AddRow({"longer", "5"});
  EXPECT_EQ(table.Format(),
            "NAME    COUNT\n"
            "a       1,234\n"
            "longer      5\n");
}

TEST(Table, CountsCharactersAndNotBytes) {
  Table table({"N", "X"});
  table.AddRow({"µ", "b"});
  EXPECT_EQ(table.Format(), "N  X\nµ  b\n");
}

TEST(Format, ReadsWell) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatBytes(12), "12 B");
  EXPECT_EQ(FormatBytes(12'345'678), "12.3 MB");
  EXPECT_EQ(FormatSpan(90), "1.5 min");
  EXPECT_EQ(FormatTimeNs(1'640'995'200'500'000'000), "2022-01-01T00:00:00.500Z");
}

TEST(Json, HasEveryFieldUnderItsProtoName) {
  v1::Study study;
  study.set_study_id("id");
  EXPECT_THAT(ToJson(study).OneLine(), ::testing::StartsWith(R"({"study_id":"id","name":"")"));
}

TEST(Json, IsWrittenInTheOrderItWasPutTogether) {
  Json list = Json::Array();
  list.Append(uint64_t{18'446'744'073'709'551'615u});
  list.Append(int64_t{-1});
  Json object = Json::Object({{"z", true}, {"a", nullptr}, {"text", "x\"y"}, {"half", 0.5}});
  object.Set("list", std::move(list));
  object.Set("z", std::vector<std::string>{"p", "q"});
  object.Set("nan", std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(object.OneLine(), R"({"z":["p","q"],"a":null,"text":"x\"y","half":0.5,)"
                              R"("list":[18446744073709551615,-1],"nan":null})");
  EXPECT_EQ(object.Member("half").OneLine(), "0.5");
  EXPECT_EQ(object.Member("none").OneLine(), "null");
  EXPECT_EQ(Json::Object({{"a", 1}}).Indented(), "{\n  \"a\": 1\n}");
  EXPECT_EQ(Json("\xff").OneLine(), "\"\xef\xbf\xbd\"");
}

TEST(ParseInstant, TakesTextAndNanoseconds) {
  EXPECT_THAT(ParseInstant("from", "2022-01-01T00:00:00Z"),
              IsOkAndHolds(1'640'995'200'000'000'000));
  EXPECT_THAT(ParseInstant("from", "2022-01-01T01:00:00+01:00"),
              IsOkAndHolds(1'640'995'200'000'000'000));
  EXPECT_THAT(ParseInstant("from", "-5"), IsOkAndHolds(-5));
  EXPECT_THAT(ParseInstant("from", "yesterday"),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("from")));
}

v1::ReadSamplesResponse Erased() {
  v1::ReadSamplesResponse response;
  v1::UnreadableChunks& chunks = *response.mutable_unreadable();
  chunks.set_reason(v1::UNREADABLE_REASON_ERASED);
  chunks.set_writer_id("w");
  chunks.set_boot_id("b");
  chunks.set_first_number(3);
  chunks.set_last_number(5);
  chunks.set_samples(30);
  chunks.mutable_device_range()->set_end_ns(1'000'000'000);
  return response;
}

TEST(SamplePrinter, SaysInEveryFormatWhatCannotBeRead) {
  v1::ReadSamplesResponse placement;
  placement.mutable_placement()->set_boot_id("b");
  const std::string line =
      "cannot be read (erased): chunks 3 to 5 of writer w, 30 samples, 1970-01-01T00:00:00";
  std::vector<std::string> notes;
  const auto printed = [&](SampleFormat format) {
    SamplePrinter printer(format, 0, [&](std::string_view note) { notes.emplace_back(note); });
    testing::internal::CaptureStdout();
    EXPECT_TRUE(printer.Add(placement).ok());
    EXPECT_TRUE(printer.Add(Erased()).ok());
    fflush(stdout);
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_THAT(printed(SampleFormat::kTable), testing::StartsWith("-- " + line));
  EXPECT_THAT(
      printed(SampleFormat::kJsonLines),
      testing::StartsWith(R"({"unreadable":{"reason":"UNREADABLE_REASON_ERASED","stream_id")"));
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(printed(SampleFormat::kCsv), "");
  EXPECT_THAT(notes, testing::ElementsAre(testing::StartsWith(line)));
}

TEST(UnreadableNote, SumsByReason) {
  v1::StreamCoverage coverage;
  EXPECT_EQ(UnreadableNote("acc", coverage.unreadable()), "");
  for (int i = 0; i < 2; ++i) {
    v1::UnreadableRange& range = *coverage.add_unreadable();
    range.set_reason(v1::UNREADABLE_REASON_DAMAGED);
    range.mutable_range()->set_end_ns(30'000'000'000);
  }
  EXPECT_EQ(UnreadableNote("acc", coverage.unreadable()),
            "acc: cannot be read: " + FormatSpan(60) + " damaged");
}

TEST(PlaceOnStudyTime, FollowsTheLineAndSurvivesOddStamps) {
  v1::ClockPlacement placement;
  placement.set_anchor_device_ns(100);
  placement.set_anchor_study_ns(1'000'000);
  EXPECT_EQ(PlaceOnStudyTime(placement, 150), 1'000'050);
  EXPECT_EQ(PlaceOnStudyTime(placement, 50), 999'950);
  placement.set_rate_ppb(1e6);  // one in a thousand
  EXPECT_EQ(PlaceOnStudyTime(placement, 2'100), 1'000'000 + 2'000 + 2);
  PlaceOnStudyTime(placement, INT64_MIN);  // wraps, does not trap
}

TEST(ExitCode, FollowsTheStatus) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), kExitOk);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), kExitNotFound);
  EXPECT_EQ(ExitCodeOf(absl::AlreadyExistsError("")), kExitConflict);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), kExitAuth);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), kExitDamaged);
  EXPECT_EQ(ExitCodeOf(absl::UnknownError("")), kExitFailure);
  EXPECT_EQ(ExitCodeOf(PartialError("half")), kExitPartial);
}

}  // namespace
}  // namespace tidemark::cli
