// Folds buckets and samples into the columns of a picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/signal/tiles.h"

namespace tidemark::signal {

struct TimeRange {
  int64_t begin_ns = 0;  // inclusive
  int64_t end_ns = 0;    // exclusive
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

struct Column {
  uint64_t samples = 0;
  std::vector<Extremes> channels;
};

// One sample just outside the range, so that a line can be drawn to the edge.
struct EdgeSample {
  int64_t t_ns = 0;
  std::vector<double> values;
};

struct Overview {
  std::vector<Column> columns;  // column c covers begin + [c, c+1) * (end - begin) / width
  std::vector<TimeRange> gaps;  // ascending, disjoint, inside the range
  std::optional<EdgeSample> before;
  std::optional<EdgeSample> after;
};

// Times are on whatever axis the caller placed them (study or device time). Input may come in any
// order. A bucket that straddles column borders is counted in every column it touches, so a spike
// may widen by a column and never vanishes; callers feed samples instead of buckets where a column
// is narrower than a bucket.
class OverviewBuilder {
 public:
  // range.end_ns > range.begin_ns, 1 <= width <= 16384. Steps without data of more than `gap_ns`
  // are gaps.
  OverviewBuilder(TimeRange range, size_t width, size_t channels, int64_t gap_ns);

  // A bucket whose times are already placed.
  void AddBucket(const Bucket& bucket);
  // One sample; outside the range it competes for `before` and `after`.
  void AddSample(int64_t t_ns, std::span<const double> values);
  // The column that an instant of the range falls into.
  TimeRange ColumnAt(int64_t t_ns) const;
  // A stretch of data for the gap list (both AddBucket and AddSample do this by themselves).
  void AddCovered(int64_t t_min_ns, int64_t t_max_ns);

  Overview Build() &&;

 private:
  size_t ColumnOf(int64_t t_ns) const;
  TimeRange range_;
  size_t channels_;
  int64_t gap_ns_;
  Overview overview_;
  std::vector<TimeRange> covered_;  // end inclusive
};

}  // namespace tidemark::signal
