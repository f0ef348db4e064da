#include "study/attempt_limiter.h"

#include "base/rpc/reason.h"
#include "tests/support/status_matchers.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using support::StatusIs;

class AttemptLimiterTest : public ::testing::Test {
 protected:
  static constexpr int kPerId = 3;
  static constexpr int kStrangers = 10;

  // What the limiter asks to wait; zero: the attempt was let through.
  absl::Duration Wait(const std::string& id) {
    const absl::Status status = limiter_.Try(id);
    if (status.ok()) return absl::ZeroDuration();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
    EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_OVERLOADED);
    return rpc::RetryDelayOf(status).value_or(absl::InfiniteDuration());
  }
  void Use(const std::string& id, int attempts) {
    for (int i = 0; i < attempts; ++i) ASSERT_THAT(limiter_.Try(id), IsOk()) << id << " " << i;
  }
  // Everybody's room for strangers, by ids that come once.
  void UseStrangersUp() {
    for (int i = 0; limiter_.Try("guess " + std::to_string(i)).ok(); ++i) {
      ASSERT_LT(i, kStrangers);
    }
  }

  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  AttemptLimiter limiter_{&clock_,
                          {.per_id = {kPerId, absl::Seconds(2)},
                           .strangers = {kStrangers, absl::Milliseconds(100)},
                           .ids_max = 4}};
};

TEST_F(AttemptLimiterTest, OneIdHasABurstAndThenOneAttemptPerRefill) {
  Use("a", kPerId);
  EXPECT_EQ(Wait("a"), absl::Seconds(2));
  clock_.Advance(absl::Milliseconds(1'500));
  EXPECT_EQ(Wait("a"), absl::Milliseconds(500));
  clock_.Advance(absl::Milliseconds(500));
  Use("a", 1);
  EXPECT_EQ(Wait("a"), absl::Seconds(2));
  clock_.Advance(absl::Hours(1));
  Use("a", kPerId);
  EXPECT_GT(Wait("a"), absl::ZeroDuration());
}

TEST_F(AttemptLimiterTest, OneIdTakesNothingFromAnother) {
  Use("a", kPerId);
  for (int i = 0; i < 100; ++i) EXPECT_GT(Wait("a"), absl::ZeroDuration());
  Use("b", kPerId);
}

TEST_F(AttemptLimiterTest, GuessedIdsTogetherAreLimited) {
  UseStrangersUp();
  EXPECT_EQ(Wait("newcomer"), absl::Milliseconds(100));
  clock_.Advance(absl::Milliseconds(100));
  Use("newcomer", 1);
}

TEST_F(AttemptLimiterTest, WhoGuessesDoesNotLockOutWhoIsKnown) {
  Use("device", 1);
  limiter_.Prove("device");
  UseStrangersUp();
  EXPECT_GT(Wait("newcomer"), absl::ZeroDuration());
  Use("device", kPerId - 1);  // its own room, less what it used as a stranger
  EXPECT_EQ(Wait("device"), absl::Seconds(2));
  // Many guesses displace no id that proved itself.
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Milliseconds(100));
    Use("more " + std::to_string(i), 1);
  }
  UseStrangersUp();
  Use("device", kPerId);
}

TEST_F(AttemptLimiterTest, LookingForRoomTakesNone) {
  for (int i = 0; i < 2 * kStrangers; ++i) ASSERT_THAT(limiter_.CheckRoom("a"), IsOk());
  Use("a", kPerId);
  const absl::Status refused = limiter_.CheckRoom("a");
  EXPECT_EQ(rpc::ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rpc::RetryDelayOf(refused), absl::Seconds(2));
  EXPECT_THAT(limiter_.CheckRoom("b"), IsOk());
  UseStrangersUp();
  EXPECT_FALSE(limiter_.CheckRoom("b").ok());
}

TEST_F(AttemptLimiterTest, ClockThatIsSetBackLocksNobodyOutForLong) {
  Use("a", kPerId);
  clock_.Advance(-absl::Hours(24));
  EXPECT_EQ(Wait("a"), absl::Seconds(2));
  clock_.Advance(absl::Seconds(2));
  Use("a", 1);
}

}  // namespace
}  // namespace tidemark::study
