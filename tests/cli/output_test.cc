#include "cli/output.h"

#include <gtest/gtest.h>

#include "cli/exit_code.h"
#include "cli/sample_printer.h"
#include "cli/time_option.h"
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
  EXPECT_EQ(ToJson(study)["study_id"], "id");
  EXPECT_EQ(ToJson(study)["name"], "");
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
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), kExitFailure);
  EXPECT_EQ(ExitCodeOf(absl::UnknownError("")), kExitFailure);
  EXPECT_EQ(ExitCodeOf(PartialError("half")), kExitPartial);
}

}  // namespace
}  // namespace tidemark::cli
