#include "core/signal/frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tidemark::signal {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::IsNan;

auto Near(double value) { return DoubleNear(value, 1e-12); }

TEST(FramesTest, AccelerationUnitsAndSigns) {
  EXPECT_THAT(
      CanonicalAcceleration({1, -2, 3}, AccelerationUnit::kMetrePerSecond2, RestSign::kPlusG),
      ElementsAre(1, -2, 3));
  EXPECT_THAT(CanonicalAcceleration({0, 0, 1}, AccelerationUnit::kG, RestSign::kPlusG),
              ElementsAre(0, 0, kStandardGravity));
  // A wristband at rest, face up, in 1/64 g.
  EXPECT_THAT(CanonicalAcceleration({0, 0, 64}, AccelerationUnit::kG64th, RestSign::kPlusG),
              ElementsAre(0, 0, Near(kStandardGravity)));
  // A phone that reads -1 g when its axis points up.
  EXPECT_THAT(CanonicalAcceleration({0, 0, -1}, AccelerationUnit::kG, RestSign::kMinusG)[2],
              Near(kStandardGravity));
}

TEST(FramesTest, AxesArePermutedWithSigns) {
  const AxisMap map{{1, 2, 0}, {1, -1, 1}};
  EXPECT_THAT(MapAxes({10, 20, 30}, map), ElementsAre(20, -30, 10));
}

TEST(FramesTest, ProperRotationsHaveDeterminantOne) {
  int proper = 0;
  for (int x = 0; x < 3; ++x) {
    for (int y = 0; y < 3; ++y) {
      for (int z = 0; z < 3; ++z) {
        for (int signs = 0; signs < 8; ++signs) {
          const AxisMap map{{x, y, z},
                            {signs & 1 ? 1 : -1, signs & 2 ? 1 : -1, signs & 4 ? 1 : -1}};
          const Vec3 a = MapAxes({1, 0, 0}, map);
          const Vec3 b = MapAxes({0, 1, 0}, map);
          const Vec3 c = MapAxes({0, 0, 1}, map);
          const double determinant = a[0] * (b[1] * c[2] - b[2] * c[1]) -
                                     a[1] * (b[0] * c[2] - b[2] * c[0]) +
                                     a[2] * (b[0] * c[1] - b[1] * c[0]);
          const bool permutation = x != y && y != z && x != z;
          EXPECT_EQ(IsProperRotation(map), permutation && determinant == 1);
          proper += IsProperRotation(map);
        }
      }
    }
  }
  EXPECT_EQ(proper, 24);
  EXPECT_FALSE(IsProperRotation({{0, 1, 3}, {1, 1, 1}}));
  EXPECT_FALSE(IsProperRotation({{0, 1, 2}, {1, 2, 1}}));
}

TEST(FramesTest, QuaternionsAreReorderedAndScaled) {
  EXPECT_THAT(CanonicalQuaternion({0, 0, 0, 2}, QuaternionOrder::kXyzw), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(CanonicalQuaternion({3, 0, 4, 0}, QuaternionOrder::kWxyz),
              ElementsAre(Near(0.6), 0, Near(0.8), 0));
  EXPECT_THAT(CanonicalQuaternion({1e300, 0, 1e300, 0}, QuaternionOrder::kWxyz)[0],
              Near(std::sqrt(0.5)));
  EXPECT_THAT(CanonicalQuaternion({1e-300, 0, 0, 0}, QuaternionOrder::kWxyz)[0], Near(1));
}

TEST(FramesTest, ANullQuaternionIsNotMadeUp) {
  EXPECT_THAT(CanonicalQuaternion({0, 0, 0, 0}, QuaternionOrder::kWxyz), Each(IsNan()));
  EXPECT_THAT(CanonicalQuaternion({INFINITY, 0, 0, 0}, QuaternionOrder::kWxyz), Each(IsNan()));
  EXPECT_THAT(CanonicalQuaternion({NAN, 1, 0, 0}, QuaternionOrder::kWxyz), Each(IsNan()));
}

TEST(FramesTest, RotatesAQuarterTurn) {
  // 90 degrees about z takes x to y and y to -x.
  const double half = std::sqrt(0.5);
  EXPECT_THAT(Rotate({half, 0, 0, half}, {1, 0, 0}), ElementsAre(Near(0), Near(1), Near(0)));
  EXPECT_THAT(Rotate({half, 0, 0, half}, {0, 1, 5}), ElementsAre(Near(-1), Near(0), Near(5)));
  EXPECT_THAT(Rotate({1, 0, 0, 0}, {1, 2, 3}), ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace tidemark::signal
