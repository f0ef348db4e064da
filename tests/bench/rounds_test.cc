#include "tests/bench/rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tidemark::bench {
namespace {

using ::testing::ElementsAre;

absl::Status Nothing() { return absl::OkStatus(); }

TEST(RunRounds, CountsNotTheFirstRoundAndLetsEachCellBegin) {
  std::string order;
  const std::vector<Cell> cells = {[&]() -> absl::StatusOr<double> {
                                     order += 'a';
                                     return static_cast<double>(order.size());
                                   },
                                   [&]() -> absl::StatusOr<double> {
                                     order += 'b';
                                     return static_cast<double>(order.size());
                                   }};
  const auto values = RunRounds(cells, 2, Nothing);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(order, "abbaab");
  EXPECT_THAT(*values, ElementsAre(ElementsAre(4, 5), ElementsAre(3, 6)));
}

TEST(RunRounds, ComesBackWithTheFirstFault) {
  const std::vector<Cell> cells = {
      []() -> absl::StatusOr<double> { return absl::InternalError("no measurement"); }};
  EXPECT_EQ(RunRounds(cells, 2, Nothing).status(), absl::InternalError("no measurement"));
}

TEST(RatioOf, IsTheMedianOfPairsAndNotTheRatioOfMedians) {
  const std::vector<double> ours = {1, 20, 3};
  const std::vector<double> limits = {10, 2, 4};
  const Figure figure = RatioOf("x", ours, limits, Better::kHigher, {0.5, 1}, "rows/s", 2);
  EXPECT_DOUBLE_EQ(*figure.value, 0.75);
  EXPECT_EQ(figure.floor, 0.5);
  EXPECT_EQ(figure.goal, 1);
  EXPECT_EQ(figure.limit->what, "rows/s");
  EXPECT_DOUBLE_EQ(figure.limit->value, 2);
}

TEST(RatioOf, LeavesOutWhatHasNoPartner) {
  const std::vector<double> ours = {1, 2, 3};
  const std::vector<double> limits = {2};
  EXPECT_DOUBLE_EQ(*RatioOf("x", ours, limits, Better::kHigher, {}, "rows/s").value, 0.5);
}

}  // namespace
}  // namespace tidemark::bench
