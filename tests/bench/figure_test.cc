#include "tests/bench/figure.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

namespace tidemark::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// 1, 2, ..., n in some other order: a value is its own rank.
std::vector<double> Ranks(int n) {
  std::vector<double> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  std::rotate(values.begin(), values.begin() + n / 3, values.end());
  return values;
}

Figure MedianOfRanks(int n) { return MedianOf("x.y", Ranks(n), "ms", Better::kLower); }

TEST(MedianOfTest, IsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(MedianOfRanks(1).value, 1);
  EXPECT_EQ(MedianOfRanks(4).value, 2.5);
  EXPECT_EQ(MedianOfRanks(9).value, 5);
}

TEST(MedianOfTest, IntervalHasTheRanksOfTheBinomialTable) {
  EXPECT_THAT(*MedianOfRanks(5).interval, Pair(1, 5));
  EXPECT_THAT(*MedianOfRanks(6).interval, Pair(1, 6));
  EXPECT_THAT(*MedianOfRanks(8).interval, Pair(1, 8));
  EXPECT_THAT(*MedianOfRanks(9).interval, Pair(2, 8));
  EXPECT_THAT(*MedianOfRanks(10).interval, Pair(2, 9));
  EXPECT_THAT(*MedianOfRanks(15).interval, Pair(4, 12));
  EXPECT_THAT(*MedianOfRanks(20).interval, Pair(6, 15));
  EXPECT_THAT(*MedianOfRanks(100).interval, Pair(40, 61));
}

TEST(MedianOfTest, FewValuesHaveNoIntervalAndNoneHaveNoValue) {
  EXPECT_EQ(MedianOfRanks(4).interval, std::nullopt);
  const Figure none = MedianOf("x.y", {}, "ms", Better::kLower);
  EXPECT_EQ(none.value, std::nullopt);
  EXPECT_EQ(none.interval, std::nullopt);
}

Figure Judged(Better better, double low, double high, double floor) {
  Figure figure = Counted("x.y", (low + high) / 2, "", better);
  figure.interval = {low, high};
  figure.floor = floor;
  return figure;
}

TEST(MissesFloorTest, OnlyByTheWholeInterval) {
  EXPECT_TRUE(MissesFloor(Judged(Better::kLower, 2.1, 3, 2)));
  EXPECT_FALSE(MissesFloor(Judged(Better::kLower, 2, 3, 2)));
  EXPECT_FALSE(MissesFloor(Judged(Better::kLower, 1.9, 3, 2)));
  EXPECT_TRUE(MissesFloor(Judged(Better::kHigher, 1, 1.9, 2)));
  EXPECT_FALSE(MissesFloor(Judged(Better::kHigher, 1, 2, 2)));
  EXPECT_FALSE(MissesFloor(Counted("x.y", 1e9, "", Better::kLower)));  // has no floor
}

TEST(MissesFloorTest, WhatWasNotShownIsMissed) {
  Figure figure = MedianOf("x.y", {1, 1, 1}, "ms", Better::kLower);
  figure.floor = 2;
  EXPECT_TRUE(MissesFloor(figure));
}

TEST(FormatTest, UndefinedIsNullAndADash) {
  const Figure undefined =
      Counted("x.y", std::numeric_limits<double>::quiet_NaN(), "B/sample", Better::kLower);
  const auto json = nlohmann::json::parse(FormatJson(std::vector{undefined}, "./dev bench x"));
  ASSERT_EQ(json.size(), 1);
  for (const char* member : {"value", "interval", "floor", "goal", "limit"}) {
    EXPECT_TRUE(json[0].at(member).is_null()) << member;
  }
  EXPECT_THAT(FormatTable(std::vector{undefined}, Judge::kFloors),
              HasSubstr("-                  - B/sample"));
}

TEST(FormatTest, JsonHasEveryMember) {
  Figure figure = MedianOf("ingest.x", {1, 2, 3, 4, 5}, "ms", Better::kLower);
  figure.floor = 2;
  figure.goal = 1;
  figure.limit = Limit{"an empty call", 0.5};
  const auto json = nlohmann::json::parse(FormatJson(std::vector{figure}, "./dev bench ingest"));
  EXPECT_EQ(json[0], nlohmann::json::parse(R"({
    "id": "ingest.x", "value": 3.0, "interval": [1.0, 5.0], "unit": "ms", "better": "lower",
    "floor": 2.0, "goal": 1.0, "limit": {"what": "an empty call", "value": 0.5},
    "command": "./dev bench ingest"})"));
}

TEST(FormatTest, TableMarksWhatMissedItsFloor) {
  Figure good = Counted("x.good", 1, "ms", Better::kLower);
  Figure bad = Counted("x.bad", 3, "ms", Better::kLower);
  good.floor = bad.floor = 2;
  EXPECT_THAT(FormatTable(std::vector{good}, Judge::kFloors), Not(HasSubstr("MISSED")));
  EXPECT_THAT(FormatTable(std::vector{good, bad}, Judge::kFloors), HasSubstr("MISSED"));
  EXPECT_THAT(FormatTable(std::vector{bad}, Judge::kNothing), Not(HasSubstr("MISSED")));
}

TEST(MachineLineTest, NamesModelCountAndShaInstructions) {
  EXPECT_EQ(MachineLine("processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sha_ni vaes\n"
                        "processor\t: 1\nmodel name\t: Some CPU\nflags\t\t: fpu sha_ni vaes\n"),
            "Some CPU, 2 processors, with SHA instructions");
  EXPECT_EQ(MachineLine("processor\t: 0\nFeatures\t: fp sha1 sha2\n"),
            "unknown processor, 1 processor, with SHA instructions");
  EXPECT_THAT(MachineLine("processor\t: 0\nmodel name\t: Old\nflags\t\t: fpu sha_nix\n"),
              HasSubstr("without SHA"));
}

}  // namespace
}  // namespace tidemark::bench
