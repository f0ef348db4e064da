#include "store/consent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace tidemark::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();
constexpr v1::DataKind kAudio = v1::DATA_KIND_AUDIO;
constexpr v1::DataKind kMotion = v1::DATA_KIND_MOTION;

ConsentTimeline Timeline(std::initializer_list<ConsentDecision> decisions) {
  return ConsentTimeline(std::span(decisions.begin(), decisions.size()));
}

TEST(ConsentTimeline, NothingRecordedIsUndecidedForEveryTime) {
  const ConsentTimeline timeline = Timeline({{kMotion, 1, true, 0, std::nullopt}});
  EXPECT_EQ(timeline.Judge(kAudio, ConsentRange{5, 6}), ConsentAnswer::kUndecided);
  EXPECT_EQ(timeline.Judge(kAudio, std::nullopt), ConsentAnswer::kUndecided);
  EXPECT_EQ(timeline.Judge(kMotion, ConsentRange{5, 6}), ConsentAnswer::kGranted);
}

TEST(ConsentTimeline, ABacklogFromBeforeAWithdrawalIsStillGranted) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 1, true, 100, std::nullopt}, {kAudio, 2, false, 200, std::nullopt}});
  EXPECT_THAT(timeline.Granted(kAudio), ElementsAre(ConsentRange{100, 200}));
  EXPECT_EQ(timeline.Judge(kAudio, ConsentRange{150, 160}), ConsentAnswer::kGranted);
  EXPECT_EQ(timeline.Judge(kAudio, ConsentRange{190, 210}), ConsentAnswer::kGranted);
  EXPECT_EQ(timeline.Judge(kAudio, ConsentRange{200, 210}), ConsentAnswer::kRefused);
  EXPECT_EQ(timeline.Judge(kAudio, ConsentRange{90, 100}), ConsentAnswer::kRefused);
}

TEST(ConsentTimeline, UnknownTimesAreGrantedIfAnyTimeIs) {
  EXPECT_EQ(Timeline({{kAudio, 1, true, 100, 200}}).Judge(kAudio, std::nullopt),
            ConsentAnswer::kGranted);
  EXPECT_EQ(Timeline({{kAudio, 1, false, 100, 200}}).Judge(kAudio, std::nullopt),
            ConsentAnswer::kRefused);
}

TEST(ConsentTimeline, ARefusalForARangeLeavesAHole) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 2, false, 50, 60}, {kAudio, 1, true, 0, std::nullopt}});
  EXPECT_THAT(timeline.Granted(kAudio), ElementsAre(ConsentRange{0, 50}, ConsentRange{60, kNoEnd}));
}

TEST(ConsentTimeline, GrantsThatTouchAreOneRange) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 1, true, 0, 10}, {kAudio, 2, true, 10, 20}, {kAudio, 3, true, 15, 30}});
  EXPECT_THAT(timeline.Granted(kAudio), ElementsAre(ConsentRange{0, 30}));
}

TEST(ConsentTimeline, ALaterRefusalOfEverythingLeavesNothing) {
  const ConsentTimeline timeline =
      Timeline({{kAudio, 1, true, 0, 10},
                {kAudio, 2, false, std::numeric_limits<int64_t>::min(), std::nullopt}});
  EXPECT_THAT(timeline.Granted(kAudio), IsEmpty());
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
    for (int64_t t = 0; t < 60; ++t) {
      bool expected = false;
      for (const ConsentDecision& decision : in_order) {
        if (decision.from_ns <= t && (!decision.until_ns || t < *decision.until_ns)) {
          expected = decision.granted;
        }
      }
      EXPECT_EQ(timeline.Judge(kAudio, ConsentRange{t, t + 1}) == ConsentAnswer::kGranted,
                expected);
    }
  }
}

}  // namespace
}  // namespace tidemark::store
