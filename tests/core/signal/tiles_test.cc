#include "core/signal/tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "core/signal/int128.h"
#include "tests/core/signal/signal_samples.h"
#include "tests/support/status_matchers.h"

namespace tidemark::signal {
namespace {

using support::StatusIs;
constexpr SampleType kSampleTypes[] = {SampleType::kInt16, SampleType::kInt32, SampleType::kFloat32,
                                       SampleType::kFloat64};
constexpr int64_t kPeriodNs = 10'000'000;
constexpr int64_t kGapNs = 35'000'000;

double ValueAt(SampleType type, std::string_view channel, size_t i) {
  const char* at = channel.data() + i * BytesOf(type);
  switch (type) {
    case SampleType::kInt16:
      return LoadLe<int16_t>(at);
    case SampleType::kInt32:
      return LoadLe<int32_t>(at);
    case SampleType::kFloat32:
      return LoadLe<float>(at);
    case SampleType::kFloat64:
      return LoadLe<double>(at);
  }
  return 0;
}

// The definition, sample by sample.
std::vector<Bucket> NaiveBuckets(std::span<const SampleType> channels, const Stamps& stamps,
                                 std::string_view values, int64_t gap_ns) {
  std::vector<int64_t> sorted = stamps.ToVector();
  std::sort(sorted.begin(), sorted.end());
  std::vector<Bucket> buckets;
  int64_t last_ns = 0;
  for (size_t i = 0; i < stamps.size(); ++i) {
    const int64_t t_ns = stamps[i];
    const Int128 off = Int128{t_ns} - sorted[(sorted.size() - 1) / 2];
    if (off > kPlausibleHalfSpanNs || off < -kPlausibleHalfSpanNs) continue;
    const Int128 step = Int128{t_ns} - last_ns;
    if (buckets.empty() || buckets.back().samples == kSamplesPerBucket || step > gap_ns ||
        step < -gap_ns) {
      buckets.push_back({t_ns, t_ns, 0, std::vector<Extremes>(channels.size())});
    }
    last_ns = t_ns;
    Bucket& bucket = buckets.back();
    bucket.t_min_ns = std::min(bucket.t_min_ns, t_ns);
    bucket.t_max_ns = std::max(bucket.t_max_ns, t_ns);
    ++bucket.samples;
    for (size_t c = 0; c < channels.size(); ++c) {
      const double value =
          ValueAt(channels[c], ChannelBytes(channels, c, stamps.size(), values), i);
      if (!std::isfinite(value)) continue;
      Extremes& extremes = bucket.channels[c];
      extremes.min = extremes.finite == 0 ? value : std::min(extremes.min, value);
      extremes.max = extremes.finite == 0 ? value : std::max(extremes.max, value);
      ++extremes.finite;
    }
  }
  return buckets;
}

Stamps RandomStamps(size_t count, Random& random) {
  if (Below(random, 3) == 0) {
    const auto span = static_cast<int64_t>(count - 1) * kPeriodNs;
    const int64_t stretched = span * static_cast<int64_t>(1 + Below(random, 5));
    return *Stamps::Regular(5, 5 + (Below(random, 4) ? stretched : -stretched), count);
  }
  std::vector<int64_t> stamps(count);
  int64_t t_ns = 1'700'000'000'000'000'000;
  const bool wild = Below(random, 3) == 0;
  for (int64_t& stamp : stamps) {
    t_ns += kPeriodNs + static_cast<int64_t>(Below(random, 2'000'000));
    if (Below(random, 70) == 0) t_ns += static_cast<int64_t>(Below(random, 3 * kGapNs));
    if (Below(random, 90) == 0) t_ns -= static_cast<int64_t>(Below(random, 3 * kGapNs));
    stamp = wild && Below(random, 30) == 0 ? static_cast<int64_t>(random()) : t_ns;
  }
  return Stamps::Exact(stamps);
}

struct Case {
  std::vector<SampleType> channels;
  Stamps stamps;
  std::string values;
};
Case RandomCase(Random& random) {
  Case made;
  const size_t count = 1 + Below(random, 700);
  made.stamps = RandomStamps(count, random);
  for (uint64_t c = 1 + Below(random, 5); c > 0; --c) {
    made.channels.push_back(kSampleTypes[Below(random, 4)]);
    made.values += MakeChannel(made.channels.back(), kShapes[Below(random, std::size(kShapes))],
                               count, random);
  }
  return made;
}

TEST(TilesTest, AgreeWithTheDefinition) {
  Random random(1);
  for (int round = 0; round < 1000; ++round) {
    const Case made = RandomCase(random);
    const auto buckets = MakeBuckets(made.channels, made.stamps, made.values, kGapNs);
    ASSERT_EQ(buckets, NaiveBuckets(made.channels, made.stamps, made.values, kGapNs));
    const std::string encoded = EncodeBuckets(made.channels, buckets);
    const auto decoded = DecodeBuckets(made.channels, encoded);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_EQ(*decoded, buckets);
  }
}

TEST(TilesTest, NoSamplesNoBuckets) {
  const SampleType type = SampleType::kInt16;
  EXPECT_TRUE(MakeBuckets({&type, 1}, Stamps(), "", kGapNs).empty());
  const auto decoded = DecodeBuckets({&type, 1}, EncodeBuckets({&type, 1}, {}));
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(decoded->empty());
}

TEST(TilesTest, GapEndsABucket) {
  const SampleType type = SampleType::kInt16;
  const std::vector<int16_t> values = {1, 2, 3, 4};
  const Stamps stamps =
      Stamps::Exact({0, kPeriodNs, kPeriodNs + kGapNs, kPeriodNs + 2 * kGapNs + 1});
  const auto buckets = MakeBuckets({&type, 1}, stamps, BytesFrom(values), kGapNs);
  ASSERT_EQ(buckets.size(), 2u);
  EXPECT_EQ(buckets[0].samples, 3u);
  EXPECT_EQ(buckets[0].channels[0], (Extremes{3, 1, 3}));
  EXPECT_EQ(buckets[1].t_min_ns, kPeriodNs + 2 * kGapNs + 1);
}

TEST(TilesTest, GapThresholds) {
  EXPECT_EQ(GapThresholdNs(0), 10'000'000'000);
  EXPECT_EQ(GapThresholdNs(10'000'000), 35'000'000);
  EXPECT_EQ(GapThresholdNs(1'000'000), 20'000'000);
  EXPECT_EQ(GapThresholdNs(std::numeric_limits<int64_t>::max()),
            std::numeric_limits<int64_t>::max());
}

TEST(TilesTest, CompactForThreeAxes) {
  Random random(2);
  const std::vector<SampleType> channels(3, SampleType::kInt16);
  constexpr size_t kCount = 2730;  // 16 KB
  std::string values;
  for (size_t c = 0; c < 3; ++c) values += MakeChannel(channels[c], Shape::kWalk, kCount, random);
  const Stamps stamps = *Stamps::Regular(0, (kCount - 1) * kPeriodNs + 12'345, kCount);
  const auto encoded = EncodeBuckets(channels, MakeBuckets(channels, stamps, values, kGapNs));
  std::cout << "tiles: "
            << 100.0 * static_cast<double>(encoded.size()) / static_cast<double>(values.size())
            << " % of raw int16 x 3\n";
  EXPECT_LT(encoded.size(), values.size() / 25);
}

TEST(TilesTest, SurviveHostileBytes) {
  Random random(3);
  for (int round = 0; round < 3000; ++round) {
    const Case made = RandomCase(random);
    const auto buckets = MakeBuckets(made.channels, made.stamps, made.values, kGapNs);
    const std::string encoded = EncodeBuckets(made.channels, buckets);
    const std::string damaged = Damage(encoded, random);
    if (damaged != encoded) {
      EXPECT_THAT(DecodeBuckets(made.channels, damaged), StatusIs(absl::StatusCode::kDataLoss));
    }
    const auto decoded = DecodeBuckets(made.channels, Resealed(damaged));
    if (!decoded.ok()) {
      EXPECT_THAT(decoded, StatusIs(absl::StatusCode::kDataLoss));
      continue;
    }
    for (const Bucket& bucket : *decoded) {
      ASSERT_LE(bucket.t_min_ns, bucket.t_max_ns);
      ASSERT_EQ(bucket.channels.size(), made.channels.size());
    }
  }
}

}  // namespace
}  // namespace tidemark::signal
