#include "store/consent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "absl/time/clock.h"

namespace tidemark::store {
namespace {

using signal::TimeRange;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kNever = std::numeric_limits<int64_t>::min();
constexpr int64_t kOpenEnd = std::numeric_limits<int64_t>::max();
constexpr v1::DataKind kAudio = v1::DATA_KIND_AUDIO;
constexpr v1::DataKind kMotion = v1::DATA_KIND_MOTION;

ConsentTimeline Timeline(std::initializer_list<ConsentDecision> decisions) {
  return ConsentTimeline(std::span(decisions.begin(), decisions.size()));
}

std::vector<TimeRange> Granted(const ConsentTimeline& timeline, v1::DataKind kind = kAudio) {
  const auto ranges = timeline.Granted(kind).ranges();
  return {ranges.begin(), ranges.end()};
}

TEST(ConsentTimeline, NothingRecordedIsUndecidedAndNotGranted) {
  const ConsentTimeline timeline = Timeline({{kMotion, 1, true, 0, std::nullopt}});
  EXPECT_FALSE(timeline.IsDecided(kAudio));
  EXPECT_TRUE(timeline.Granted(kAudio).IsNever());
  EXPECT_TRUE(timeline.Judged(kAudio, absl::Now()).IsNever());
  EXPECT_TRUE(timeline.IsDecided(kMotion));
  EXPECT_TRUE(timeline.IsAnyDecided());
  EXPECT_FALSE(ConsentTimeline().IsAnyDecided());
}

TEST(ConsentTimeline, KindsAreDecidedOnTheirOwn) {
  const ConsentTimeline timeline = Timeline({{kMotion, 1, true, 0, 10}, {kAudio, 1, false, 0, 10}});
  EXPECT_THAT(Granted(timeline, kMotion), ElementsAre(TimeRange{0, 10}));
  EXPECT_THAT(Granted(timeline, kAudio), IsEmpty());
  EXPECT_TRUE(timeline.IsDecided(kAudio));
  EXPECT_TRUE(timeline.IsAnyGranted());
  EXPECT_FALSE(Timeline({{kAudio, 1, false, 0, 10}}).IsAnyGranted());
}

TEST(ConsentTimeline, ABacklogFromBeforeAWithdrawalIsStillGranted) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 1, true, 100, std::nullopt}, {kAudio, 2, false, 200, std::nullopt}});
  EXPECT_THAT(Granted(timeline), ElementsAre(TimeRange{100, 200}));
}

TEST(ConsentTimeline, ARefusalForARangeLeavesAHole) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 2, false, 50, 60}, {kAudio, 1, true, 0, std::nullopt}});
  EXPECT_THAT(Granted(timeline), ElementsAre(TimeRange{0, 50}, TimeRange{60, kOpenEnd}));
}

TEST(ConsentTimeline, GrantsThatTouchAreOneRange) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 1, true, 0, 10}, {kAudio, 2, true, 10, 20}, {kAudio, 3, true, 15, 30}});
  EXPECT_THAT(Granted(timeline), ElementsAre(TimeRange{0, 30}));
}

TEST(ConsentTimeline, ALaterRefusalOfEverythingLeavesNothing) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 1, true, 0, 10}, {kAudio, 2, false, kNever, std::nullopt}});
  EXPECT_THAT(Granted(timeline), IsEmpty());
}

// Against the rule itself, asked instant by instant.
TEST(ConsentTimeline, AgreesWithTheNewestDecisionAtEveryInstant) {
  std::mt19937_64 random(7);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  for (int round = 0; round < 2'000; ++round) {
    std::vector<ConsentDecision> decisions;
    const int64_t count = 1 + below(6);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t from = below(30);
      std::optional<int64_t> until;
      if (below(3) != 0) until = from + 1 + below(15);
      decisions.push_back({kAudio, static_cast<uint32_t>(i + 1), below(2) == 0, from, until});
    }
    const std::vector<ConsentDecision> in_order = decisions;
    std::shuffle(decisions.begin(), decisions.end(), random);
    const ConsentTimeline timeline{decisions};
    for (int64_t t = -1; t < 60; ++t) {
      bool expected = false;
      for (const ConsentDecision& decision : in_order) {
        if (decision.from_ns <= t && (!decision.until_ns || t < *decision.until_ns)) {
          expected = decision.granted;
        }
      }
      ASSERT_EQ(timeline.Granted(kAudio).Contains(t), expected) << "round " << round << " t " << t;
    }
  }
}

TEST(ConsentTimeline, AHundredThousandDecisionsAreOneWalk) {
  std::vector<ConsentDecision> decisions;
  for (uint32_t i = 0; i < 100'000; ++i) {
    decisions.push_back({kAudio, i + 1, i % 2 == 0, int64_t{i} * 10, std::nullopt});
  }
  EXPECT_EQ(ConsentTimeline(decisions).Granted(kAudio).ranges().size(), 50'000u);
}

// A clock that nobody set says nothing about when something was recorded.
TEST(ConsentTimeline, TimesThatAreNotBelievedAreJudgedAsIfNobodyKnew) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const int64_t now_ns = absl::ToUnixNanos(now);
  const int64_t day_ns = absl::ToInt64Nanoseconds(absl::Hours(24));
  const ConsentTimes judged =
      Timeline({{kAudio, 1, true, now_ns - 10, now_ns}}).Judged(kAudio, now);
  EXPECT_THAT(std::vector(judged.ranges().begin(), judged.ranges().end()),
              ElementsAre(TimeRange{kNever, kEarliestBelievedNs}, TimeRange{now_ns - 10, now_ns},
                          TimeRange{now_ns + day_ns, kOpenEnd}));
  const ConsentTimes refused = Timeline({{kAudio, 1, false, 0, std::nullopt}}).Judged(kAudio, now);
  EXPECT_TRUE(refused.IsNever());
  const ConsentTimes long_since =
      Timeline({{kAudio, 1, true, 0, std::nullopt}}).Judged(kAudio, now);
  EXPECT_TRUE(long_since.IsAlways());
}

// Times -------------------------------------------------------------------------------------------

TEST(ConsentTimesTest, Borders) {
  const std::vector<TimeRange> ranges = {{10, 20}, {30, kOpenEnd}};
  const ConsentTimes times{ranges};
  EXPECT_FALSE(times.Contains(9));
  EXPECT_TRUE(times.Contains(10));
  EXPECT_FALSE(times.Contains(20));
  EXPECT_TRUE(times.Contains(kOpenEnd));
  EXPECT_TRUE(times.Touches({0, 11}));
  EXPECT_FALSE(times.Touches({0, 10}));
  EXPECT_FALSE(times.Touches({20, 30}));
  EXPECT_TRUE(times.Covers({10, 20}));
  EXPECT_FALSE(times.Covers({10, 21}));
  EXPECT_FALSE(times.Covers({10, 31}));
  EXPECT_TRUE(ConsentTimes::Always().Covers({kNever, kOpenEnd}));
  EXPECT_FALSE(ConsentTimes().Touches({kNever, kOpenEnd}));
}

TEST(ConsentTimesTest, PartsFollowEachOtherAndLeaveNothingOut) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<TimeRange> ranges;
    for (int64_t at = static_cast<int64_t>(random() % 4); at < 40;) {
      const int64_t end = at + 1 + static_cast<int64_t>(random() % 6);
      ranges.push_back({at, end});
      at = end + static_cast<int64_t>(random() % 6);
    }
    const ConsentTimes times{ranges};
    const int64_t begin = static_cast<int64_t>(random() % 45);
    const TimeRange range{begin, begin + 1 + static_cast<int64_t>(random() % 20)};
    int64_t at = range.begin_ns;
    std::optional<bool> before;
    times.Split(range, [&](const TimeRange& part, bool inside) {
      ASSERT_EQ(part.begin_ns, at);
      ASSERT_LT(part.begin_ns, part.end_ns);
      ASSERT_NE(before, std::optional(inside)) << "two parts where one would do";
      for (int64_t t = part.begin_ns; t < part.end_ns; ++t) ASSERT_EQ(times.Contains(t), inside);
      at = part.end_ns;
      before = inside;
    });
    ASSERT_EQ(at, range.end_ns);
  }
}

// What was erased ------------------------------------------------------------------------------

const StreamId kOneStream = StreamId::MakeV7();
const StreamId kOtherStream = StreamId::MakeV7();

ConsentTimeline WithErased(std::initializer_list<ConsentDecision> decisions,
                           std::initializer_list<ErasedRange> erased) {
  return ConsentTimeline(std::span(decisions.begin(), decisions.size()),
                         std::span(erased.begin(), erased.size()));
}
std::vector<TimeRange> RangesOf(const ConsentTimes& times) {
  return {times.ranges().begin(), times.ranges().end()};
}

TEST(ConsentTimeline, RangesAreErasedOfOneStreamOrOfAll) {
  const ConsentTimeline timeline =
      WithErased({}, {{{}, {50, 60}}, {kOneStream, {10, 20}}, {kOneStream, {15, 30}}});
  EXPECT_THAT(RangesOf(timeline.ErasedOf(kOneStream)),
              ElementsAre(TimeRange{10, 30}, TimeRange{50, 60}));
  EXPECT_THAT(RangesOf(timeline.ErasedOf(kOtherStream)), ElementsAre(TimeRange{50, 60}));
  EXPECT_EQ(timeline.erased_ranges(), 3);
  EXPECT_TRUE(ConsentTimeline().ErasedOf(kOneStream).IsNever());
}

TEST(ConsentTimes, WithoutTakesAwayWhatIsInTheOther) {
  const TimeRange taken[] = {{0, 10}, {20, 30}, {35, 40}, {90, 95}};
  EXPECT_THAT(RangesOf(ConsentTimes::Always().Without(ConsentTimes(std::span(taken, 2)))),
              ElementsAre(TimeRange{kNever, 0}, TimeRange{10, 20}, TimeRange{30, kOpenEnd}));
  const TimeRange some[] = {{5, 25}, {35, 40}, {80, 100}};
  EXPECT_THAT(RangesOf(ConsentTimes(some).Without(ConsentTimes(taken))),
              ElementsAre(TimeRange{10, 20}, TimeRange{80, 90}, TimeRange{95, 100}));
  EXPECT_EQ(ConsentTimes(some).Without({}), ConsentTimes(some));
  EXPECT_TRUE(ConsentTimes(some).Without(ConsentTimes::Always()).IsNever());
}

// It was recorded before it arrived, and nobody knows how long before.
TEST(ConsentTimeline, WhatHasNoPlaceMayArriveUntilConsentFirstEndsOrSomethingIsErased) {
  const auto arrivals = [](const ConsentTimeline& timeline) {
    return RangesOf(timeline.ArrivalsWithoutPlace(kAudio, kOneStream));
  };
  EXPECT_THAT(arrivals(Timeline({})), IsEmpty());
  EXPECT_THAT(arrivals(Timeline({{kAudio, 1, false, 0, std::nullopt}})), IsEmpty());
  EXPECT_THAT(arrivals(Timeline({{kAudio, 1, true, 10, std::nullopt}})),
              ElementsAre(TimeRange{10, kOpenEnd}));
  EXPECT_THAT(arrivals(Timeline({{kAudio, 1, true, 10, std::nullopt}, {kAudio, 2, false, 50, 60}})),
              ElementsAre(TimeRange{10, 50}))
      << "after an evening without consent it may be of that evening";
  const ConsentDecision granted{kAudio, 1, true, 10, std::nullopt};
  EXPECT_THAT(arrivals(WithErased({granted}, {{{}, {30, 40}}})), ElementsAre(TimeRange{10, 30}));
  EXPECT_THAT(arrivals(WithErased({granted}, {{kOneStream, {0, 5}}})), IsEmpty());
  EXPECT_THAT(arrivals(WithErased({granted}, {{kOtherStream, {0, 5}}})),
              ElementsAre(TimeRange{10, kOpenEnd}));
}

}  // namespace
}  // namespace tidemark::store
