#include "cli/study_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/json.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(StudyPlan, IsReadAsItIsPrinted) {
  TM_ASSERT_OK_AND_ASSIGN(const v1::StudyPlan plan, ParsePlan(R"({
    "participants": 40, "days": 14, "worn_hours_a_day": 12.5, "contact_after_days": 2,
    "contact_rules": "By phone, never by night.", "time_zone": "Europe/Berlin",
    "streams": [{"device_name": "watch", "stream_name": "acc", "hours_a_day": 20}]})"));
  EXPECT_EQ(plan.streams(0).hours_a_day(), 20);
  TM_ASSERT_OK_AND_ASSIGN(const v1::StudyPlan again, ParsePlan(ToJson(plan).Indented()));
  EXPECT_EQ(again.SerializeAsString(), plan.SerializeAsString());
  EXPECT_THAT(DescribePlan(plan), AllOf(HasSubstr("watch/acc, hours a day"), HasSubstr("12.5"),
                                        HasSubstr("Europe/Berlin"), HasSubstr("By phone")));
  EXPECT_THAT(DescribePlan({}), HasSubstr("UTC"));
}

TEST(StudyPlan, WhatIsWrongIsNamed) {
  const auto wrong = [](const std::string& json) { return ParsePlan(json).status(); };
  EXPECT_THAT(wrong("{"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("plan: ")));
  EXPECT_THAT(wrong(R"({"participant": 4})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("participant")));
  EXPECT_THAT(wrong(R"({"days": "many"})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("days")));
  EXPECT_THAT(wrong(R"({"streams": [{"hours_a_day": "x"}]})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hours_a_day")));
}

TEST(StudyPlan, StreamsAreOneWordEach) {
  TM_ASSERT_OK_AND_ASSIGN(const v1::PlannedStream stream, ParsePlannedStream("watch/acc=12.5"));
  EXPECT_EQ(stream.device_name(), "watch");
  EXPECT_EQ(stream.stream_name(), "acc");
  EXPECT_EQ(stream.hours_a_day(), 12.5);
  for (const char* text : {"acc=1", "watch/acc", "watch=2/acc", "watch/acc=", "watch/acc=2h", ""}) {
    EXPECT_THAT(ParsePlannedStream(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("stream: ")))
        << text;
  }
}

}  // namespace
}  // namespace tidemark::cli
