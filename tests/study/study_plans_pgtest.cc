#include <limits>

#include "study/study_plans.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

v1::StudyPlan GoodPlan() {
  v1::StudyPlan plan;
  plan.set_participants(200);
  plan.set_days(14);
  plan.set_worn_hours_a_day(10);
  plan.set_contact_after_days(2);
  plan.set_contact_rules("By message, then by phone.");
  plan.set_time_zone("Europe/Berlin");
  v1::PlannedStream& stream = *plan.add_streams();
  stream.set_device_name("watch");
  stream.set_stream_name("accelerometer");
  stream.set_hours_a_day(9.5);
  return plan;
}

TEST(CheckStudyPlan, TakesAnEmptyAndAWholePlan) {
  EXPECT_THAT(CheckStudyPlan({}), IsOk());
  EXPECT_THAT(CheckStudyPlan(GoodPlan()), IsOk());
}

TEST(CheckStudyPlan, NamesTheFieldThatBreaksItsRule) {
  const auto field_of = [](auto&& change) {
    v1::StudyPlan plan = GoodPlan();
    change(plan);
    return std::string(CheckStudyPlan(plan).message());
  };
  using Plan = v1::StudyPlan;
  EXPECT_THAT(field_of([](Plan& p) { p.set_participants(1'000'001); }),
              testing::HasSubstr("plan.participants"));
  EXPECT_THAT(field_of([](Plan& p) { p.set_worn_hours_a_day(24.1); }),
              testing::HasSubstr("plan.worn_hours_a_day"));
  EXPECT_THAT(field_of([](Plan& p) {
                p.mutable_streams(0)->set_hours_a_day(std::numeric_limits<double>::quiet_NaN());
              }),
              testing::HasSubstr("plan.streams[0].hours_a_day"));
  EXPECT_THAT(field_of([](Plan& p) { *p.add_streams() = p.streams(0); }),
              testing::HasSubstr("plan.streams[1].stream_name"));
  for (const char* zone : {"Nowhere/City", "/etc/passwd", "../../etc/passwd"}) {
    EXPECT_THAT(field_of([&](Plan& p) { p.set_time_zone(zone); }),
                testing::HasSubstr("plan.time_zone"));
  }
}

class StudyPlansTest : public StudyFixture {};

TEST_F(StudyPlansTest, ThePlanThatWasSetLastComesBack) {
  const StudyPlans plans(context_);
  const StudyId study = MakeStudy();
  v1::GetStudyPlanRequest get;
  get.set_study_id(study.ToString());
  const auto none = plans.Get(ManagerCall(study), get);
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(none->plan().ByteSizeLong(), 0u);
  v1::SetStudyPlanRequest set;
  set.set_study_id(study.ToString());
  for (const uint32_t days : {7u, 14u}) {
    set.set_request_id(NewRequestId());
    *set.mutable_plan() = GoodPlan();
    set.mutable_plan()->set_days(days);
    ASSERT_THAT(plans.Set(ManagerCall(study), set), IsOk());
  }
  const auto now = plans.Get(ManagerCall(study), get);
  ASSERT_THAT(now, IsOk());
  EXPECT_EQ(now->plan().SerializeAsString(), set.plan().SerializeAsString());
}

}  // namespace
}  // namespace tidemark::study
