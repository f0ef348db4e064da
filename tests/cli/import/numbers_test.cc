#include "cli/import/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tidemark::cli {
namespace {

TEST(ParseScaledDecimalTest, IsExactInNanoseconds) {
  EXPECT_EQ(ParseScaledDecimal("1644226061.000000", 9), 1'644'226'061'000'000'000);
  EXPECT_EQ(ParseScaledDecimal("35.484375", 9), 35'484'375'000);
  EXPECT_EQ(ParseScaledDecimal("1657533977810", 6), 1'657'533'977'810'000'000);
  EXPECT_EQ(ParseScaledDecimal("1.65753397781e12", 6), 1'657'533'977'810'000'000);
  EXPECT_EQ(ParseScaledDecimal("-0.5", 9), -500'000'000);
  EXPECT_EQ(ParseScaledDecimal(" +.25 ", 2), 25);
  EXPECT_EQ(ParseScaledDecimal("7.", 0), 7);
  EXPECT_EQ(ParseScaledDecimal("5e-400", 9), 0);
}

TEST(ParseScaledDecimalTest, CutsOffDigitsBeyond) {
  EXPECT_EQ(ParseScaledDecimal("1.9999", 3), 1999);
  EXPECT_EQ(ParseScaledDecimal("-1.9999", 3), -1999);
}

TEST(ParseScaledDecimalTest, HoldsTheWholeRangeAndNoMore) {
  EXPECT_EQ(ParseScaledDecimal("9223372036854775807", 0), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParseScaledDecimal("-9223372036854775808", 0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ParseScaledDecimal("9223372036854775808", 0), std::nullopt);
  EXPECT_EQ(ParseScaledDecimal("1e19", 0), std::nullopt);
  EXPECT_EQ(ParseScaledDecimal("1e400", 9), std::nullopt);
}

TEST(ParseScaledDecimalTest, RefusesWhatIsNoNumber) {
  for (const char* text :
       {"", " ", ".", "-", "abc", "1,5", "1.2.3", "0x10", "nan", "inf", "1e", "1 2"}) {
    EXPECT_EQ(ParseScaledDecimal(text, 9), std::nullopt) << text;
  }
}

TEST(ParseNumberTest, TakesTheWholeText) {
  EXPECT_EQ(ParseNumber<int16_t>("-32768"), -32768);
  EXPECT_EQ(ParseNumber<int16_t>("32768"), std::nullopt);
  EXPECT_EQ(ParseNumber<int32_t>("12.0"), std::nullopt);
  EXPECT_EQ(ParseNumber<int32_t>("+12"), 12);
  EXPECT_EQ(ParseNumber<int32_t>("+-12"), std::nullopt);
  EXPECT_EQ(ParseNumber<double>("83.00"), 83.0);
  EXPECT_EQ(ParseNumber<double>("8x"), std::nullopt);
  EXPECT_EQ(ParseNumber<double>(""), std::nullopt);
  EXPECT_TRUE(std::isnan(*ParseNumber<double>("NaN")));
}

TEST(ParseExactFloatTest, TakesOnlyFloats) {
  EXPECT_EQ(ParseExactFloat("0.3832031488418579"), 0.3832031488418579f);
  EXPECT_EQ(ParseExactFloat("-9"), -9.0f);
  EXPECT_EQ(ParseExactFloat("0.1"), std::nullopt);  // the nearest float is another number
  EXPECT_EQ(ParseExactFloat("1e300"), std::nullopt);
}

}  // namespace
}  // namespace tidemark::cli
