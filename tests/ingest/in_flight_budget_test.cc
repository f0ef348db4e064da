#include "ingest/in_flight_budget.h"

#include <gtest/gtest.h>

namespace tidemark::ingest {
namespace {

class InFlightBudgetTest : public ::testing::Test {
 protected:
  // One message is under way from the beginning, and there is room for no other.
  InFlightBudgetTest() { EXPECT_EQ(budget_.TryTake(1, nullptr, nullptr), Take::kTaken); }

  Take Ask(const void* waiter) {
    return budget_.TryTake(1, waiter, [this] { ++calls_; });
  }

  InFlightBudget budget_{1, 100};
  int calls_ = 0;
  const int one_ = 0;
  const int other_ = 0;
};

TEST_F(InFlightBudgetTest, WhoAsksOftenWaitsOnce) {
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(Ask(&one_), Take::kFull);
  EXPECT_EQ(Ask(&other_), Take::kFull);
  budget_.GiveBack(1);
  EXPECT_EQ(calls_, 2);
}

TEST_F(InFlightBudgetTest, WhoStoppedWaitingIsNotCalled) {
  EXPECT_EQ(Ask(&one_), Take::kFull);
  EXPECT_EQ(Ask(&other_), Take::kFull);
  budget_.StopWaiting(&one_);
  budget_.StopWaiting(&one_);
  budget_.GiveBack(1);
  EXPECT_EQ(calls_, 1);
}

TEST_F(InFlightBudgetTest, WithoutACallNobodyWaits) {
  EXPECT_EQ(budget_.TryTake(1, &one_, nullptr), Take::kFull);
  budget_.GiveBack(1);
  EXPECT_EQ(Ask(&one_), Take::kTaken);
  EXPECT_EQ(calls_, 0);
}

TEST_F(InFlightBudgetTest, ClosingCallsWhoWaits) {
  EXPECT_EQ(Ask(&one_), Take::kFull);
  budget_.Close();
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(Ask(&one_), Take::kClosed);
}

}  // namespace
}  // namespace tidemark::ingest
