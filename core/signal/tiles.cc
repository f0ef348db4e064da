#include "core/signal/tiles.h"

#include <algorithm>
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

// The samples [begin, end) that make one bucket.
struct Run {
  size_t begin = 0;
  size_t end = 0;
  int64_t t_min_ns = 0;
  int64_t t_max_ns = 0;
};

std::vector<Run> RunsOf(std::span<const int64_t> stamps_ns, int64_t gap_ns) {
  std::vector<Run> runs;
  runs.reserve(stamps_ns.size() / kSamplesPerBucket + 1);
  for (size_t begin = 0; begin < stamps_ns.size();) {
    const size_t limit = std::min(stamps_ns.size(), begin + kSamplesPerBucket);
    Run run{begin, begin + 1, stamps_ns[begin], stamps_ns[begin]};
    for (; run.end < limit; ++run.end) {
      const int64_t t_ns = stamps_ns[run.end];
      if (IsGap(stamps_ns[run.end - 1], t_ns, gap_ns)) break;
      run.t_min_ns = std::min(run.t_min_ns, t_ns);
      run.t_max_ns = std::max(run.t_max_ns, t_ns);
    }
    runs.push_back(run);
    begin = run.end;
  }
  return runs;
}

// No step of regular stamps is longer than their mean step, rounded away from zero.
bool HasNoGap(const Stamps& stamps, int64_t gap_ns) {
  const Int128 span = Int128{stamps.last_ns()} - stamps.first_ns();
  const auto steps = static_cast<Int128>(stamps.size() - 1);
  return (span < 0 ? -span : span) <= steps * gap_ns;
}

// Regular stamps without gaps: all runs are full, and only their ends are looked at.
std::vector<Run> RegularRuns(const Stamps& stamps) {
  std::vector<Run> runs;
  runs.reserve(stamps.size() / kSamplesPerBucket + 1);
  for (size_t begin = 0; begin < stamps.size(); begin += kSamplesPerBucket) {
    const size_t end = std::min(stamps.size(), begin + kSamplesPerBucket);
    const auto [min, max] = std::minmax({stamps[begin], stamps[end - 1]});
    runs.push_back({begin, end, min, max});
  }
  return runs;
}

// `values` holds `count` samples.
std::vector<Bucket> BucketsOf(std::span<const SampleType> channels, std::span<const Run> runs,
                              std::string_view values, size_t count) {
  std::vector<Bucket> buckets(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto& [begin, end, t_min_ns, t_max_ns] = runs[i];
    Bucket& bucket = buckets[i];
    bucket.t_min_ns = t_min_ns;
    bucket.t_max_ns = t_max_ns;
    bucket.samples = static_cast<uint32_t>(end - begin);
    bucket.channels.reserve(channels.size());
    const char* channel = values.data();
    for (const SampleType type : channels) {
      const size_t bytes = BytesOf(type);
      bucket.channels.push_back(ExtremesOf(type, channel + begin * bytes, end - begin));
      channel += count * bytes;
    }
  }
  return buckets;
}

}  // namespace

std::vector<Bucket> MakeBuckets(std::span<const SampleType> channels, const Stamps& stamps,
                                std::string_view values, int64_t gap_ns) {
  const size_t count = stamps.size();
  if (count == 0) return {};
  const StampSurvey survey = SurveyStamps(stamps);
  if (stamps.is_regular() && survey.outliers == 0 && HasNoGap(stamps, gap_ns)) {
    return BucketsOf(channels, RegularRuns(stamps), values, count);
  }
  std::vector<int64_t> computed;
  if (stamps.is_regular()) computed = stamps.ToVector();
  const std::span<const int64_t> stamps_ns = stamps.is_regular() ? computed : stamps.exact();
  if (survey.outliers == 0) {
    return BucketsOf(channels, RunsOf(stamps_ns, gap_ns), values, count);
  }
  const Selection selection = SelectPlausible(channels, stamps_ns, values, survey);
  return BucketsOf(channels, RunsOf(selection.stamps_ns, gap_ns), selection.values,
                   selection.stamps_ns.size());
}

int64_t GapThresholdNs(int64_t period_ns) {
  if (period_ns <= 0) return kStampedGapNs;
  const Int128 threshold = Int128{period_ns} * 7 / 2;
  const Int128 most = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp<Int128>(threshold, kGapFloorNs, most));
}

}  // namespace tidemark::signal
