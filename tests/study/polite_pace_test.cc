#include "study/polite_pace.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/status_matchers.h"

namespace tidemark::study {
namespace {

class PolitePaceTest : public ::testing::Test {
 protected:
  PolitePace Pace(const PaceLimits& limits) {
    return {limits, &clock_, [this](absl::Duration pause) { pauses_.push_back(pause); }};
  }
  absl::Status Step(PolitePace& pace, absl::Duration took) {
    return pace.Step([&] {
      clock_.Advance(took);
      return absl::OkStatus();
    });
  }

  ManualClock clock_{absl::UnixEpoch()};
  std::vector<absl::Duration> pauses_;
};

TEST_F(PolitePaceTest, PausesInProportionAndNeverForLong) {
  PolitePace pace = Pace({.busy_share = 0.2, .pause_max = absl::Seconds(1)});
  EXPECT_THAT(Step(pace, absl::Milliseconds(4)), support::IsOk());
  EXPECT_THAT(Step(pace, absl::Milliseconds(50)), support::IsOk());
  EXPECT_THAT(Step(pace, absl::Seconds(9)), support::IsOk());
  EXPECT_THAT(Step(pace, absl::Seconds(-9)), support::IsOk()) << "the clock was set back";
  const std::vector<absl::Duration> expected = {absl::Milliseconds(16), absl::Milliseconds(200),
                                                absl::Seconds(1), absl::ZeroDuration()};
  EXPECT_EQ(pauses_, expected);
}

// Each row takes 100 us at first, then ten times as long: as on a disk that others use.
TEST_F(PolitePaceTest, StepsFindTheirGoal) {
  PolitePace pace = Pace({.step_goal = absl::Milliseconds(4), .rows_first = 2'000});
  for (int i = 0; i < 50; ++i)
    ASSERT_THAT(Step(pace, absl::Microseconds(100) * pace.rows()), support::IsOk());
  EXPECT_GE(pace.rows(), 20);
  EXPECT_LE(pace.rows(), 40);
  for (int i = 0; i < 50; ++i)
    ASSERT_THAT(Step(pace, absl::Milliseconds(1) * pace.rows()), support::IsOk());
  EXPECT_EQ(pace.rows(), PaceLimits().rows_min);
  for (int i = 0; i < 50; ++i) ASSERT_THAT(Step(pace, absl::ZeroDuration()), support::IsOk());
  EXPECT_EQ(pace.rows(), PaceLimits().rows_max);
}

TEST_F(PolitePaceTest, AStepThatFailsEndsAtOnce) {
  PolitePace pace = Pace({});
  EXPECT_THAT(pace.Step([] { return absl::AbortedError("lost"); }),
              support::StatusIs(absl::StatusCode::kAborted));
  EXPECT_TRUE(pauses_.empty());
}

}  // namespace
}  // namespace tidemark::study
