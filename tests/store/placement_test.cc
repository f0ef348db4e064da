#include "store/placement.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "store/placed_ranges.h"

namespace tidemark::store {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kNsPerS = 1'000'000'000;
constexpr int64_t k2026Ns = 1'790'000'000 * kNsPerS;

Placement Line(int64_t device_ns, int64_t study_ns, double rate_ppb = 0) {
  Placement placement;
  placement.anchor_device_ns = device_ns;
  placement.anchor_study_ns = study_ns;
  placement.rate_ppb = rate_ppb;
  return placement;
}

TEST(Placement, ADeclaredPairShiftsWithoutRounding) {
  const Placement placement = Line(123, k2026Ns);
  EXPECT_EQ(placement.ToStudy(123), k2026Ns);
  EXPECT_EQ(placement.ToStudy(122), k2026Ns - 1);
  for (const int64_t device_ns : {int64_t{0}, int64_t{-5}, 86'400 * kNsPerS}) {
    EXPECT_EQ(placement.ToDevice(placement.ToStudy(device_ns)), device_ns);
  }
}

TEST(Placement, ARateBendsAroundTheAnchor) {
  const Placement fast = Line(1'000, k2026Ns, 20'000);  // 20 ppm
  EXPECT_EQ(fast.ToStudy(1'000 + 86'400 * kNsPerS), k2026Ns + 86'400 * kNsPerS + 1'728'000'000);
  EXPECT_EQ(fast.ToStudy(1'000 - 86'400 * kNsPerS), k2026Ns - 86'400 * kNsPerS - 1'728'000'000);
}

TEST(Placement, InverseWithinANanosecondAndNeverDecreasing) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20'000; ++round) {
    const double rate_ppb = static_cast<double>(random() % 400'001) - 200'000;
    const auto anchor = static_cast<int64_t>(random() % (1'000'000 * uint64_t{kNsPerS}));
    const Placement placement = Line(anchor, k2026Ns, rate_ppb);
    // A decade around the anchor.
    const int64_t device_ns = anchor + static_cast<int64_t>(random() >> 6) - (int64_t{1} << 57);
    const int64_t study_ns = placement.ToStudy(device_ns);
    EXPECT_NEAR(static_cast<double>(placement.ToDevice(study_ns) - device_ns), 0, 1);
    EXPECT_GE(placement.ToStudy(device_ns + 1), study_ns);
  }
}

TEST(Placement, SaturatesInsteadOfWrapping) {
  EXPECT_EQ(Line(0, k2026Ns).ToStudy(kMax), kMax);
  EXPECT_EQ(Line(0, -k2026Ns).ToStudy(kMin), kMin);
  EXPECT_EQ(Line(kMin, kMax).ToStudy(kMax), kMax);
  EXPECT_EQ(Line(kMax, kMin).ToStudy(kMin), kMin);
  EXPECT_EQ(Line(kMax, kMin).ToDevice(kMax), kMax);
  EXPECT_EQ(Line(kMin, kMin, 1e9).ToStudy(kMax), kMax);
}

TEST(PlacedRanges, CoverTheRange) {
  Placement late = Line(0, k2026Ns + 3'600 * kNsPerS);
  late.boot_id = BootId::MakeRandom();
  Placement early = Line(500, k2026Ns, -100'000);
  early.boot_id = BootId::MakeRandom();
  const signal::TimeRange study{k2026Ns + kNsPerS, k2026Ns + 2 * kNsPerS};
  for (const Placement& placement : {early, late}) {
    const PlacedRange each = InvertRange(placement, study);
    EXPECT_EQ(each.placement, placement);
    EXPECT_EQ(each.range.boot_id, placement.boot_id);
    EXPECT_LE(each.placement.ToStudy(each.range.device.begin_ns), study.begin_ns);
    EXPECT_GE(each.placement.ToStudy(each.range.device.end_ns), study.end_ns);
    EXPECT_LE(each.range.device.end_ns - each.range.device.begin_ns, kNsPerS + 200'000);
  }
}

}  // namespace
}  // namespace tidemark::store
