#include "core/signal/overview.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/signal/int128.h"

namespace tidemark::signal {
namespace {

// high - low for low <= high, which always fits.
uint64_t Distance(int64_t low, int64_t high) {
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
}

void Include(double min, double max, uint32_t finite, Extremes& into) {
  if (finite == 0) return;
  into.min = into.finite == 0 ? min : std::min(into.min, min);
  into.max = into.finite == 0 ? max : std::max(into.max, max);
  const uint64_t sum = uint64_t{into.finite} + finite;
  into.finite = static_cast<uint32_t>(std::min<uint64_t>(sum, UINT32_MAX));
}

// Collects gaps inside `range` from stretches of data that come in ascending order.
class GapFinder {
 public:
  GapFinder(TimeRange range, int64_t gap_ns) : range_(range), gap_ns_(gap_ns) {}

  void Covered(int64_t t_min_ns, int64_t t_max_ns) {
    if (!any_) {
      // Nothing is known about the time before the range.
      if (t_min_ns > range_.begin_ns) AddStep(range_.begin_ns, range_.begin_ns, t_min_ns);
    } else if (t_min_ns > last_ns_) {
      AddStep(last_ns_, last_ns_ + 1, t_min_ns);
    }
    last_ns_ = any_ ? std::max(last_ns_, t_max_ns) : t_max_ns;
    any_ = true;
  }
  std::vector<TimeRange> Finish() && {
    if (!any_) {
      AddStep(range_.begin_ns, range_.begin_ns, range_.end_ns);
    } else if (last_ns_ < range_.end_ns) {
      AddStep(last_ns_, last_ns_ + 1, range_.end_ns);
    }
    return std::move(gaps_);
  }

 private:
  // A step from `from_ns` to `to_ns`, of which [begin_ns, to_ns) has no data.
  void AddStep(int64_t from_ns, int64_t begin_ns, int64_t to_ns) {
    if (Distance(from_ns, to_ns) <= static_cast<uint64_t>(gap_ns_)) return;
    const TimeRange gap{std::max(begin_ns, range_.begin_ns), std::min(to_ns, range_.end_ns)};
    if (gap.begin_ns < gap.end_ns) gaps_.push_back(gap);
  }

  const TimeRange range_;
  const int64_t gap_ns_;
  bool any_ = false;
  int64_t last_ns_ = 0;
  std::vector<TimeRange> gaps_;
};

}  // namespace

OverviewBuilder::OverviewBuilder(TimeRange range, size_t width, size_t channels, int64_t gap_ns)
    : range_(range), channels_(channels), gap_ns_(std::max<int64_t>(gap_ns, 0)) {
  assert(range.begin_ns < range.end_ns && width >= 1);
  overview_.columns.resize(width);
  for (Column& column : overview_.columns) column.channels.resize(channels);
}

// `t_ns` lies in the range.
size_t OverviewBuilder::ColumnOf(int64_t t_ns) const {
  const uint64_t span = Distance(range_.begin_ns, range_.end_ns);
  const uint64_t offset = Distance(range_.begin_ns, t_ns);
  const uint64_t width = overview_.columns.size();
  uint64_t product;
  if (!__builtin_mul_overflow(offset, width, &product)) return product / span;
  return static_cast<size_t>(UInt128{offset} * width / span);
}

TimeRange OverviewBuilder::ColumnAt(int64_t t_ns) const {
  const auto span = static_cast<UInt128>(Distance(range_.begin_ns, range_.end_ns));
  const auto width = static_cast<UInt128>(overview_.columns.size());
  const size_t column = ColumnOf(t_ns);
  // The first instant whose column is not below `border`.
  const auto begin_of = [&](size_t border) {
    return static_cast<int64_t>(static_cast<uint64_t>(range_.begin_ns) +
                                static_cast<uint64_t>((border * span + width - 1) / width));
  };
  return {begin_of(column), begin_of(column + 1)};
}

void OverviewBuilder::AddBucket(const Bucket& bucket) {
  assert(bucket.channels.size() == channels_ && bucket.t_min_ns <= bucket.t_max_ns);
  AddCovered(bucket.t_min_ns, bucket.t_max_ns);
  if (bucket.t_max_ns < range_.begin_ns || bucket.t_min_ns >= range_.end_ns) return;
  const size_t first = ColumnOf(std::max(bucket.t_min_ns, range_.begin_ns));
  const size_t last = ColumnOf(std::min(bucket.t_max_ns, range_.end_ns - 1));
  for (size_t c = first; c <= last; ++c) {
    Column& column = overview_.columns[c];
    column.samples += bucket.samples;
    for (size_t i = 0; i < channels_; ++i) {
      const Extremes& extremes = bucket.channels[i];
      Include(extremes.min, extremes.max, extremes.finite, column.channels[i]);
    }
  }
}

void OverviewBuilder::AddSample(int64_t t_ns, std::span<const double> values) {
  assert(values.size() == channels_);
  AddCovered(t_ns, t_ns);
  if (t_ns < range_.begin_ns) {
    if (!overview_.before || t_ns >= overview_.before->t_ns) {
      overview_.before = EdgeSample{t_ns, {values.begin(), values.end()}};
    }
    return;
  }
  if (t_ns >= range_.end_ns) {
    if (!overview_.after || t_ns < overview_.after->t_ns) {
      overview_.after = EdgeSample{t_ns, {values.begin(), values.end()}};
    }
    return;
  }
  Column& column = overview_.columns[ColumnOf(t_ns)];
  ++column.samples;
  for (size_t i = 0; i < channels_; ++i) {
    Include(values[i], values[i], std::isfinite(values[i]) ? 1 : 0, column.channels[i]);
  }
}

void OverviewBuilder::AddCovered(int64_t t_min_ns, int64_t t_max_ns) {
  // Data mostly comes in order: stretches no gap apart are one, so that memory is bounded by gaps.
  if (!covered_.empty()) {
    TimeRange& last = covered_.back();
    const uint64_t gap = static_cast<uint64_t>(gap_ns_);
    const bool near_end = t_min_ns <= last.end_ns || Distance(last.end_ns, t_min_ns) <= gap;
    const bool near_begin = t_max_ns >= last.begin_ns || Distance(t_max_ns, last.begin_ns) <= gap;
    if (near_end && near_begin) {
      last = {std::min(last.begin_ns, t_min_ns), std::max(last.end_ns, t_max_ns)};
      return;
    }
  }
  covered_.push_back({t_min_ns, t_max_ns});
}

Overview OverviewBuilder::Build() && {
  std::sort(covered_.begin(), covered_.end(),
            [](const TimeRange& a, const TimeRange& b) { return a.begin_ns < b.begin_ns; });
  GapFinder gaps(range_, gap_ns_);
  for (const TimeRange& stretch : covered_) gaps.Covered(stretch.begin_ns, stretch.end_ns);
  overview_.gaps = std::move(gaps).Finish();
  return std::move(overview_);
}

}  // namespace tidemark::signal
