// Tiles of many chunks together, at several resolutions: what sealed recordings are pictured from.
//
// Level 0 has kSamplesPerBucket samples a bucket, each further level kTileFactor times as many. A
// bucket runs over the border of two chunks, and never over a gap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/signal/codec.h"
#include "core/signal/samples.h"
#include "core/signal/tiles.h"

namespace tidemark::signal {

inline constexpr size_t kTileFactor = 4;
inline constexpr size_t kTileLevelsMax = 12;
// Of one row; DecodeTiles refuses more.
inline constexpr size_t kTileBucketsMax = 65'536;

// Buckets as columns, entry i of each being bucket i; see Bucket for what they mean.
struct TileColumns {
  struct Channel {
    std::vector<uint32_t> finite;
    std::vector<double> min;
    std::vector<double> max;
  };
  std::vector<int64_t> t_min_ns;
  std::vector<int64_t> t_max_ns;
  std::vector<uint32_t> samples;
  std::vector<Channel> channels;

  size_t size() const { return samples.size(); }
};

// Gathers the samples of one run, chunk by chunk in the order they were recorded, for its level 0.
class TileCollector {
 public:
  TileCollector(std::vector<SampleType> channels, int64_t gap_ns);

  // Those samples of a chunk whose stamps lie in [t_min_ns, t_max_ns]; the others are outliers and
  // belong to no bucket.
  void Add(const Block& block, int64_t t_min_ns, int64_t t_max_ns);
  TileColumns Finish() &&;

 private:
  const std::vector<SampleType> channels_;
  const int64_t gap_ns_;
  std::vector<int64_t> stamps_ns_;
  std::vector<std::string> values_;  // of each channel
};

// The next level: up to kTileFactor neighbouring buckets each, with no gap between them.
TileColumns CoarserTiles(const TileColumns& finer, int64_t gap_ns);

// Lossless: extremes are values of the channels' own types. At most kTileBucketsMax buckets.
std::string EncodeTiles(std::span<const SampleType> channels, const TileColumns& tiles,
                        Effort effort = Effort::kDense);
// DATA_LOSS on anything EncodeTiles cannot have written for these channels.
absl::StatusOr<TileColumns> DecodeTiles(std::span<const SampleType> channels,
                                        std::string_view encoded);

}  // namespace tidemark::signal
