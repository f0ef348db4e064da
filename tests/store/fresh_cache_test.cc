#include "store/fresh_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace tidemark::store {
namespace {

class FreshCacheTest : public ::testing::Test {
 protected:
  using Cache = FreshCache<std::string, int>;
  void Put(const std::string& key, int value) {
    cache_.Put(key, std::make_shared<int>(value), clock_.Now());
  }
  void PutAbsent(const std::string& key) { cache_.Put(key, nullptr, clock_.Now()); }

  ManualClock clock_{absl::FromUnixSeconds(1'000'000)};
  Cache cache_{&clock_, {.entries_max = 2}};
};

TEST_F(FreshCacheTest, KnowsNothingAtFirst) {
  EXPECT_FALSE(cache_.Find("a"));
  EXPECT_FALSE(cache_.FindFresh("a"));
}

TEST_F(FreshCacheTest, AnswerIsFreshForFiveSecondsAndKnownAfter) {
  Put("a", 7);
  clock_.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  EXPECT_TRUE(cache_.Find("a")->fresh);
  EXPECT_EQ(**cache_.FindFresh("a"), 7);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(cache_.Find("a")->fresh);
  EXPECT_FALSE(cache_.FindFresh("a"));
  EXPECT_EQ(*cache_.Find("a")->value, 7);
}

// Else a slow database would stretch the time within which a revocation holds.
TEST_F(FreshCacheTest, AnswerIsAsOldAsItsQuestion) {
  const absl::Time asked = clock_.Now();
  clock_.Advance(absl::Seconds(4));
  cache_.Put("a", std::make_shared<int>(7), asked);
  EXPECT_TRUE(cache_.Find("a")->fresh);
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(cache_.Find("a")->fresh);
  cache_.Put("b", std::make_shared<int>(8), asked);
  EXPECT_FALSE(cache_.Find("b")->fresh);
  EXPECT_EQ(*cache_.Find("b")->value, 8);
}

TEST_F(FreshCacheTest, AnEarlierQuestionDoesNotUndoALaterOne) {
  const absl::Time early = clock_.Now();
  clock_.Advance(absl::Seconds(1));
  Put("a", 8);
  cache_.Put("a", std::make_shared<int>(7), early);
  cache_.Put("a", nullptr, early);
  EXPECT_EQ(*cache_.Find("a")->value, 8);
  clock_.Advance(absl::Seconds(1));
  PutAbsent("a");
  cache_.Put("a", nullptr, early);
  cache_.Put("a", std::make_shared<int>(7), early);
  EXPECT_EQ(cache_.Find("a")->value, nullptr);
  EXPECT_TRUE(cache_.Find("a")->fresh);
}

TEST_F(FreshCacheTest, AbsenceIsFreshForOneSecond) {
  PutAbsent("a");
  EXPECT_TRUE(cache_.Find("a")->fresh);
  EXPECT_EQ(cache_.Find("a")->value, nullptr);
  EXPECT_EQ(*cache_.FindFresh("a"), nullptr);
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(cache_.Find("a")->fresh);
}

TEST_F(FreshCacheTest, TheNewerWordCounts) {
  Put("a", 7);
  clock_.Advance(absl::Seconds(1));
  PutAbsent("a");
  EXPECT_EQ(cache_.Find("a")->value, nullptr);
  clock_.Advance(absl::Seconds(1));
  Put("a", 8);
  EXPECT_EQ(*cache_.Find("a")->value, 8);
}

TEST_F(FreshCacheTest, GuessesDisplaceNothing) {
  Put("a", 7);
  for (int i = 0; i < 100; ++i) PutAbsent("guess" + std::to_string(i));
  EXPECT_EQ(*cache_.Find("a")->value, 7);
}

TEST_F(FreshCacheTest, ClockSetBackMakesEntriesOldAndNotStuck) {
  Put("a", 7);
  clock_.Advance(-absl::Seconds(60));
  EXPECT_FALSE(cache_.Find("a")->fresh);
  Put("a", 8);
  EXPECT_TRUE(cache_.Find("a")->fresh);
  EXPECT_EQ(*cache_.Find("a")->value, 8);
}

}  // namespace
}  // namespace tidemark::store
