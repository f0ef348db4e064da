#include "study/expiring_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace tidemark::study {
namespace {

class ExpiringCacheTest : public ::testing::Test {
 protected:
  using Cache = ExpiringCache<std::string, int>;
  ManualClock clock_{absl::FromUnixSeconds(1'000'000)};
  Cache cache_{&clock_, {.entries_max = 2}};
};

TEST_F(ExpiringCacheTest, KnowsNothingAtFirst) { EXPECT_FALSE(cache_.Find("a")); }

TEST_F(ExpiringCacheTest, AnswerIsFreshForFiveSecondsAndKnownAfter) {
  cache_.Put("a", std::make_shared<int>(7));
  clock_.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  EXPECT_TRUE(cache_.Find("a")->fresh);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(cache_.Find("a")->fresh);
  EXPECT_EQ(*cache_.Find("a")->value, 7);
}

TEST_F(ExpiringCacheTest, AbsenceIsFreshForOneSecond) {
  cache_.Put("a", nullptr);
  EXPECT_TRUE(cache_.Find("a")->fresh);
  EXPECT_EQ(cache_.Find("a")->value, nullptr);
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(cache_.Find("a")->fresh);
}

TEST_F(ExpiringCacheTest, TheNewerWordCounts) {
  cache_.Put("a", std::make_shared<int>(7));
  clock_.Advance(absl::Seconds(1));
  cache_.Put("a", nullptr);
  EXPECT_EQ(cache_.Find("a")->value, nullptr);
  clock_.Advance(absl::Seconds(1));
  cache_.Put("a", std::make_shared<int>(8));
  EXPECT_EQ(*cache_.Find("a")->value, 8);
}

TEST_F(ExpiringCacheTest, GuessesDisplaceNothing) {
  cache_.Put("a", std::make_shared<int>(7));
  for (int i = 0; i < 100; ++i) cache_.Put("guess" + std::to_string(i), nullptr);
  EXPECT_EQ(*cache_.Find("a")->value, 7);
}

TEST_F(ExpiringCacheTest, ClockSetBackMakesEntriesOld) {
  cache_.Put("a", std::make_shared<int>(7));
  clock_.Advance(-absl::Seconds(1));
  EXPECT_FALSE(cache_.Find("a")->fresh);
}

}  // namespace
}  // namespace tidemark::study
