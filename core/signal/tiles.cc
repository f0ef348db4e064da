#include "core/signal/tiles.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "core/signal/extremes.h"
#include "core/signal/int128.h"

namespace tidemark::signal {
namespace {

constexpr int64_t kGapFloorNs = 20'000'000;
constexpr int64_t kStampedGapNs = 10'000'000'000;

// A step this long in either direction is a gap: stamps that jump back leave a hole as well.
bool IsGap(int64_t from_ns, int64_t to_ns, int64_t gap_ns) {
  const auto [low, high] = std::minmax(from_ns, to_ns);
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low) > static_cast<uint64_t>(gap_ns);
}

// The plausible samples of a block with outliers, moved together.
struct Selection {
  std::vector<int64_t> stamps_ns;
  std::string values;
};
Selection SelectPlausible(std::span<const SampleType> channels, std::span<const int64_t> stamps_ns,
                          std::string_view values, const StampSurvey& survey) {
  Selection selection;
  std::vector<size_t> kept;
  for (size_t i = 0; i < stamps_ns.size(); ++i) {
    // Within the extremes of the plausible stamps and plausible are the same thing.
    if (stamps_ns[i] < survey.t_min_ns || stamps_ns[i] > survey.t_max_ns) continue;
    kept.push_back(i);
    selection.stamps_ns.push_back(stamps_ns[i]);
  }
  selection.values.reserve(kept.size() * BytesOf(channels));
  for (const SampleType type : channels) {
    const size_t bytes = BytesOf(type);
    for (const size_t i : kept) selection.values.append(values.substr(i * bytes, bytes));
    values.remove_prefix(stamps_ns.size() * bytes);
  }
  return selection;
}

// The end of the bucket that begins at `begin`.
size_t BucketEnd(std::span<const int64_t> stamps_ns, size_t begin, int64_t gap_ns) {
  const size_t limit = std::min(stamps_ns.size(), begin + kSamplesPerBucket);
  size_t end = begin + 1;
  while (end < limit && !IsGap(stamps_ns[end - 1], stamps_ns[end], gap_ns)) ++end;
  return end;
}

std::vector<Bucket> BucketsOf(std::span<const SampleType> channels,
                              std::span<const int64_t> stamps_ns, std::string_view values,
                              int64_t gap_ns) {
  std::vector<Bucket> buckets;
  buckets.reserve(stamps_ns.size() / kSamplesPerBucket + 1);
  for (size_t begin = 0; begin < stamps_ns.size();) {
    const size_t end = BucketEnd(stamps_ns, begin, gap_ns);
    const auto run = stamps_ns.subspan(begin, end - begin);
    const auto [min, max] = std::minmax_element(run.begin(), run.end());
    Bucket& bucket = buckets.emplace_back();
    bucket.t_min_ns = *min;
    bucket.t_max_ns = *max;
    bucket.samples = static_cast<uint32_t>(run.size());
    bucket.channels.reserve(channels.size());
    const char* channel = values.data();
    for (const SampleType type : channels) {
      const size_t bytes = BytesOf(type);
      bucket.channels.push_back(ExtremesOf(type, channel + begin * bytes, run.size()));
      channel += stamps_ns.size() * bytes;
    }
    begin = end;
  }
  return buckets;
}

}  // namespace

std::vector<Bucket> MakeBuckets(std::span<const SampleType> channels, const Stamps& stamps,
                                std::string_view values, int64_t gap_ns) {
  if (stamps.size() == 0) return {};
  std::vector<int64_t> computed;
  if (stamps.is_regular()) computed = stamps.ToVector();
  const std::span<const int64_t> stamps_ns = stamps.is_regular() ? computed : stamps.exact();
  const StampSurvey survey = SurveyStamps(stamps);
  if (survey.outliers == 0) return BucketsOf(channels, stamps_ns, values, gap_ns);
  const Selection selection = SelectPlausible(channels, stamps_ns, values, survey);
  return BucketsOf(channels, selection.stamps_ns, selection.values, gap_ns);
}

int64_t GapThresholdNs(int64_t period_ns) {
  if (period_ns <= 0) return kStampedGapNs;
  const Int128 threshold = Int128{period_ns} * 7 / 2;
  const Int128 most = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp<Int128>(threshold, kGapFloorNs, most));
}

}  // namespace tidemark::signal
