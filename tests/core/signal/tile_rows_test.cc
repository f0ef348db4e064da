#include "core/signal/tile_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "base/endian.h"
#include "tests/support/status_matchers.h"

namespace tidemark::signal {
namespace {

using absl::StatusCode;
using support::StatusIs;

constexpr int64_t kTileGapNs = 35'000'000;
constexpr int64_t kTilePeriodNs = 10'000'000;
const std::vector<SampleType> kTileTypes = {SampleType::kInt16, SampleType::kFloat32};

struct TileSample {
  int64_t t_ns;
  double values[2];
};

// Chunks of random length that follow each other; some have gaps inside, some after them, some an
// outlier.
struct Recording {
  std::vector<Block> blocks;
  std::vector<std::pair<int64_t, int64_t>> plausible;
  std::vector<TileSample> samples;  // those that are no outliers
};
Recording Record(std::mt19937& random, int chunks, bool gaps) {
  Recording recording;
  int64_t t_ns = 1'000'000'000;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const size_t count = 1 + random() % 200;
    std::vector<int64_t> stamps;
    std::string ints, floats;
    int64_t t_min_ns = std::numeric_limits<int64_t>::max();
    int64_t t_max_ns = std::numeric_limits<int64_t>::min();
    for (size_t i = 0; i < count; ++i) {
      t_ns += kTilePeriodNs + (gaps && random() % 90 == 0 ? 500'000'000 : 0);
      const bool outlier = gaps && count > 10 && i == count / 2;
      stamps.push_back(outlier ? t_ns + 90LL * 60 * 1'000'000'000 : t_ns);
      const auto number = static_cast<int16_t>(random());
      const bool finite = !gaps || random() % 50 != 0;
      const float real = finite ? static_cast<float>(random() % 1000) / 7 : NAN;
      AppendLe(ints, number);
      AppendLe(floats, real);
      if (outlier) continue;
      t_min_ns = std::min(t_min_ns, t_ns);
      t_max_ns = std::max(t_max_ns, t_ns);
      recording.samples.push_back({t_ns, {static_cast<double>(number), real}});
    }
    recording.blocks.push_back({Stamps::Exact(std::move(stamps)), ints + floats});
    recording.plausible.emplace_back(t_min_ns, t_max_ns);
  }
  return recording;
}

TileColumns Collect(const Recording& recording) {
  TileCollector collector(kTileTypes, kTileGapNs);
  for (size_t i = 0; i < recording.blocks.size(); ++i) {
    collector.Add(recording.blocks[i], recording.plausible[i].first, recording.plausible[i].second);
  }
  return std::move(collector).Finish();
}

// Buckets are runs of neighbouring samples: each says exactly what its samples say, none has a gap
// inside, and there is no sample without one.
void ExpectTruth(const TileColumns& tiles, const Recording& recording, size_t samples_max) {
  size_t next = 0;
  for (size_t i = 0; i < tiles.size(); ++i) {
    ASSERT_LE(tiles.samples[i], samples_max);
    ASSERT_LE(next + tiles.samples[i], recording.samples.size());
    int64_t t_min_ns = std::numeric_limits<int64_t>::max();
    int64_t t_max_ns = std::numeric_limits<int64_t>::min();
    Extremes truth[2];
    for (size_t s = next; s < next + tiles.samples[i]; ++s) {
      const TileSample& sample = recording.samples[s];
      if (s > next) {
        ASSERT_LE(sample.t_ns - recording.samples[s - 1].t_ns, kTileGapNs);
      }
      t_min_ns = std::min(t_min_ns, sample.t_ns);
      t_max_ns = std::max(t_max_ns, sample.t_ns);
      for (size_t c = 0; c < 2; ++c) {
        if (!std::isfinite(sample.values[c])) continue;
        Extremes& extremes = truth[c];
        extremes.min =
            extremes.finite == 0 ? sample.values[c] : std::min(extremes.min, sample.values[c]);
        extremes.max =
            extremes.finite == 0 ? sample.values[c] : std::max(extremes.max, sample.values[c]);
        ++extremes.finite;
      }
    }
    EXPECT_EQ(tiles.t_min_ns[i], t_min_ns);
    EXPECT_EQ(tiles.t_max_ns[i], t_max_ns);
    for (size_t c = 0; c < 2; ++c) {
      const TileColumns::Channel& channel = tiles.channels[c];
      EXPECT_EQ((Extremes{channel.finite[i], channel.min[i], channel.max[i]}), truth[c]);
    }
    next += tiles.samples[i];
  }
  EXPECT_EQ(next, recording.samples.size());
}

TEST(TileRows, EveryLevelSaysWhatItsSamplesSay) {
  std::mt19937 random(11);
  for (const bool gaps : {false, true}) {
    const Recording recording = Record(random, 60, gaps);
    TileColumns tiles = Collect(recording);
    size_t samples_max = kSamplesPerBucket;
    for (int level = 0; level < 5; ++level) {
      ExpectTruth(tiles, recording, samples_max);
      tiles = CoarserTiles(tiles, kTileGapNs);
      samples_max *= kTileFactor;
    }
  }
}

TEST(TileRows, BucketsRunOverTheBordersOfChunks) {
  std::mt19937 random(12);
  const Recording recording = Record(random, 40, /*gaps=*/false);
  TileColumns tiles = Collect(recording);
  EXPECT_EQ(tiles.size(), (recording.samples.size() + kSamplesPerBucket - 1) / kSamplesPerBucket);
  const size_t finest = tiles.size();
  tiles = CoarserTiles(tiles, kTileGapNs);
  EXPECT_EQ(tiles.size(), (finest + kTileFactor - 1) / kTileFactor);
}

TEST(TileRows, AStepBackThatLeavesAHoleIsAGap) {
  TileColumns tiles;
  tiles.t_min_ns = {0, 1'000'000'000, 400'000'000, 1'010'000'000};
  tiles.t_max_ns = {10'000'000, 1'100'000'000, 500'000'000, 1'200'000'000};
  tiles.samples = {1, 1, 1, 1};
  tiles.channels.push_back({{1, 1, 1, 1}, {0, 0, 0, 0}, {1, 2, 3, 4}});
  const TileColumns coarser = CoarserTiles(tiles, kTileGapNs);
  EXPECT_EQ(coarser.size(), 4u);
}

TEST(TileRows, ComeBackAsTheyWere) {
  std::mt19937 random(13);
  for (const bool gaps : {false, true}) {
    const TileColumns tiles = Collect(Record(random, 30, gaps));
    const std::string encoded = EncodeTiles(kTileTypes, tiles);
    TM_ASSERT_OK_AND_ASSIGN(const TileColumns back, DecodeTiles(kTileTypes, encoded));
    EXPECT_EQ(back.t_min_ns, tiles.t_min_ns);
    EXPECT_EQ(back.t_max_ns, tiles.t_max_ns);
    EXPECT_EQ(back.samples, tiles.samples);
    for (size_t c = 0; c < 2; ++c) {
      EXPECT_EQ(back.channels[c].finite, tiles.channels[c].finite);
      EXPECT_EQ(back.channels[c].min, tiles.channels[c].min);
      EXPECT_EQ(back.channels[c].max, tiles.channels[c].max);
    }
    for (size_t size = 0; size < encoded.size(); size += 7) {
      EXPECT_THAT(DecodeTiles(kTileTypes, std::string_view(encoded).substr(0, size)),
                  StatusIs(StatusCode::kDataLoss));
    }
    std::string damaged = encoded;
    damaged[random() % damaged.size()] ^= 4;
    EXPECT_THAT(DecodeTiles(kTileTypes, damaged), StatusIs(StatusCode::kDataLoss));
    EXPECT_THAT(DecodeTiles(std::vector{SampleType::kInt16}, encoded),
                StatusIs(StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace tidemark::signal
