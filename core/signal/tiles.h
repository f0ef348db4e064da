// Base tiles: what a zoomed-out picture needs of a block, without its samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/signal/samples.h"

namespace tidemark::signal {

inline constexpr size_t kSamplesPerBucket = 64;

// Minimum and maximum over the finite values of one channel in one bucket. `finite` counts them;
// with finite == 0 the extremes are meaningless and zero. NaN and infinities are not finite.
struct Extremes {
  uint32_t finite = 0;
  double min = 0;
  double max = 0;
  friend bool operator==(const Extremes&, const Extremes&) = default;
};

// Up to kSamplesPerBucket consecutive samples without a gap inside. Times are the smallest and
// largest plausible stamp of the bucket, in device time.
struct Bucket {
  int64_t t_min_ns = 0;
  int64_t t_max_ns = 0;
  uint32_t samples = 0;
  std::vector<Extremes> channels;
  friend bool operator==(const Bucket&, const Bucket&) = default;
};

// Buckets end at every kSamplesPerBucket samples and at every gap (a step between neighbouring
// stamps longer than `gap_ns`), so that a gap is never hidden inside a bucket. Samples whose stamp
// is an outlier (see SurveyStamps) belong to no bucket. Values of int types are exact in double.
std::vector<Bucket> MakeBuckets(std::span<const SampleType> channels, const Stamps& stamps,
                                std::string_view values, int64_t gap_ns);

// The gap rule used throughout: a step of more than 3.5 nominal periods, but at least 20 ms; for
// stamped streams without a nominal rate, 10 s. `period_ns` is 0 when there is no nominal rate.
int64_t GapThresholdNs(int64_t period_ns);

// Compact lossless coding of the buckets of one block (extremes in the channels' own types).
std::string EncodeBuckets(std::span<const SampleType> channels, std::span<const Bucket> buckets);
// DATA_LOSS on anything EncodeBuckets cannot have written.
absl::StatusOr<std::vector<Bucket>> DecodeBuckets(std::span<const SampleType> channels,
                                                  std::string_view encoded);

}  // namespace tidemark::signal
