#include "store/span_joiner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tidemark::store {
namespace {

using signal::TimeRange;
using testing::ElementsAre;

TEST(SpanJoinerTest, JoinsWhatIsNearInAnyOrder) {
  SpanJoiner joiner(10, 100);
  for (const TimeRange& span :
       {TimeRange{100, 110}, TimeRange{0, 5}, TimeRange{14, 20}, TimeRange{30, 40}}) {
    joiner.Add(span);
  }
  EXPECT_EQ(joiner.joined_gap_ns(), 10);
  // A gap of exactly 10 stays.
  EXPECT_THAT(std::move(joiner).Finish(),
              ElementsAre(TimeRange{0, 20}, TimeRange{30, 40}, TimeRange{100, 110}));
}

TEST(SpanJoinerTest, TouchingSpansAreOneWhateverTheGap) {
  SpanJoiner joiner(0, 100);
  joiner.Add({5, 9});
  joiner.Add({0, 5});
  joiner.Add({10, 11});
  EXPECT_THAT(std::move(joiner).Finish(), ElementsAre(TimeRange{0, 9}, TimeRange{10, 11}));
}

TEST(SpanJoinerTest, TooManySpansLoseTheirShortestGaps) {
  SpanJoiner joiner(0, 3);
  joiner.Add({0, 1});
  joiner.Add({3, 4});
  joiner.Add({100, 101});
  joiner.Add({106, 107});
  joiner.Add({200, 201});
  EXPECT_THAT(std::move(joiner).Finish(),
              ElementsAre(TimeRange{0, 4}, TimeRange{100, 107}, TimeRange{200, 201}));
  EXPECT_EQ(joiner.joined_gap_ns(), 5);
}

TEST(SpanJoinerTest, AnyNumberOfSpansReachesFromFirstToLast) {
  constexpr int64_t kSpans = 100'000;
  SpanJoiner joiner(0, 50);
  for (int64_t i = 0; i < kSpans; ++i) joiner.Add({i * 10, i * 10 + 1 + i % 7});
  const std::vector<TimeRange> spans = std::move(joiner).Finish();
  EXPECT_EQ(spans.size(), 50u);
  EXPECT_EQ(spans.front().begin_ns, 0);
  EXPECT_EQ(spans.back().end_ns, (kSpans - 1) * 10 + 1 + (kSpans - 1) % 7);
  EXPECT_GE(joiner.joined_gap_ns(), 1);
}

TEST(SpanJoinerTest, TheEndsOfTimeDoNotOverflow) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  SpanJoiner joiner(kLast, 1);
  joiner.Add({kLast - 1, kLast});
  joiner.Add({kFirst, kFirst + 1});
  EXPECT_THAT(std::move(joiner).Finish(), ElementsAre(TimeRange{kFirst, kLast}));
  EXPECT_EQ(joiner.joined_gap_ns(), kLast);
}

}  // namespace
}  // namespace tidemark::store
