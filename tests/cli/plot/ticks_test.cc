#include "cli/plot/ticks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace tidemark::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'767'258'000 * kSecond;  // 2026-01-01T09:00:00Z

template <class Ticks>
std::vector<std::string> Texts(const Ticks& ticks) {
  std::vector<std::string> texts;
  for (const auto& tick : ticks) texts.push_back(tick.text);
  return texts;
}

TEST(ValueTicksTest, AreRoundAndInside) {
  EXPECT_THAT(Texts(ValueTicks(-12, 11, 4)), ElementsAre("-10", "-5", "0", "5", "10"));
  EXPECT_THAT(Texts(ValueTicks(0.01, 0.05, 4)),
              ElementsAre("0.01", "0.02", "0.03", "0.04", "0.05"));
  EXPECT_THAT(Texts(ValueTicks(250'000, 270'000, 2)), ElementsAre("250000", "260000", "270000"));
}

TEST(ValueTicksTest, SurviveTheExtremes) {
  EXPECT_THAT(ValueTicks(0, std::numeric_limits<double>::infinity(), 4), IsEmpty());
  EXPECT_LE(ValueTicks(-1e308, 1e308, 4).size(), 10u);
  EXPECT_LE(ValueTicks(1e17, 1e17 + 16, 4).size(), 10u);
  EXPECT_LE(ValueTicks(0, 5e-320, 4).size(), 10u);
}

TEST(TimeTicksTest, SayWhatChanges) {
  EXPECT_THAT(Texts(TimeTicks(kStart, kStart + 3600 * kSecond, 7)),
              ElementsAre("09:00", "09:10", "09:20", "09:30", "09:40", "09:50", "10:00"));
  EXPECT_THAT(Texts(TimeTicks(kStart + 1, kStart + 10 * kSecond, 6)),
              ElementsAre("09:00:02", "09:00:04", "09:00:06", "09:00:08", "09:00:10"));
  EXPECT_THAT(
      Texts(TimeTicks(kStart, kStart + kSecond / 2, 6)),
      ElementsAre("00:00.000", "00:00.100", "00:00.200", "00:00.300", "00:00.400", "00:00.500"));
  EXPECT_THAT(Texts(TimeTicks(kStart, kStart + 24 * 3600 * kSecond, 5)),
              ElementsAre("12:00", "18:00", "Jan  2", "06:00"));
}

TEST(TimeTicksTest, AreFewForAnySpan) {
  for (int64_t span = 1; span > 0 && span < std::numeric_limits<int64_t>::max() / 4; span *= 3) {
    EXPECT_LE(TimeTicks(kStart, kStart + span, 10).size(), 10u) << span;
  }
  EXPECT_LE(TimeTicks(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), 10)
                .size(),
            10u);
}

TEST(UtcTextTest, ShowsPartsOfASecondWhereThereAreAny) {
  EXPECT_EQ(UtcText(kStart), "2026-01-01 09:00:00 UTC");
  EXPECT_EQ(UtcText(kStart + 5'000'000), "2026-01-01 09:00:00.005 UTC");
}

}  // namespace
}  // namespace tidemark::cli
