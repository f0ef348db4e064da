#include "core/signal/overview.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/signal/int128.h"
#include "tests/core/signal/signal_samples.h"

namespace tidemark::signal {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

struct Point {
  int64_t t_ns;
  double value;
};

size_t NaiveColumn(TimeRange range, size_t width, int64_t t_ns) {
  return static_cast<size_t>((Int128{t_ns} - range.begin_ns) * static_cast<Int128>(width) /
                             (Int128{range.end_ns} - range.begin_ns));
}

// Walks over what lies between neighbouring samples.
std::vector<TimeRange> NaiveGaps(TimeRange range, std::vector<Point> points, int64_t gap_ns) {
  std::sort(points.begin(), points.end(),
            [](const Point& a, const Point& b) { return a.t_ns < b.t_ns; });
  std::vector<TimeRange> gaps;
  const auto add = [&](int64_t from, int64_t begin, int64_t to) {
    if (Int128{to} - from <= gap_ns) return;
    const TimeRange gap{std::max(begin, range.begin_ns), std::min(to, range.end_ns)};
    if (gap.begin_ns < gap.end_ns) gaps.push_back(gap);
  };
  if (points.empty()) {
    add(range.begin_ns, range.begin_ns, range.end_ns);
    return gaps;
  }
  add(range.begin_ns, range.begin_ns, std::max(points.front().t_ns, range.begin_ns));
  for (size_t i = 1; i < points.size(); ++i) {
    if (points[i].t_ns > points[i - 1].t_ns) {
      add(points[i - 1].t_ns, points[i - 1].t_ns + 1, points[i].t_ns);
    }
  }
  if (points.back().t_ns < range.end_ns) {
    add(points.back().t_ns, points.back().t_ns + 1, range.end_ns);
  }
  return gaps;
}

std::vector<Point> RandomPoints(Random& random) {
  std::vector<Point> points;
  int64_t t_ns = static_cast<int64_t>(Below(random, 2000)) - 1000;
  for (uint64_t i = Below(random, 400); i > 0; --i) {
    t_ns += static_cast<int64_t>(Below(random, Below(random, 10) ? 20 : 400));
    const double value = Below(random, 20) ? static_cast<double>(Below(random, 1000))
                                           : std::numeric_limits<double>::quiet_NaN();
    points.push_back({t_ns, value});
  }
  return points;
}

TEST(OverviewTest, SamplesAgreeWithTheDefinition) {
  Random random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<Point> points = RandomPoints(random);
    const TimeRange range{static_cast<int64_t>(Below(random, 500)),
                          501 + static_cast<int64_t>(Below(random, 5000))};
    const size_t width = 1 + Below(random, 300);
    const auto gap_ns = static_cast<int64_t>(Below(random, 100));
    if (Below(random, 2)) std::shuffle(points.begin(), points.end(), random);

    OverviewBuilder builder(range, width, 1, gap_ns);
    std::vector<Column> columns(width, Column{0, {Extremes{}}});
    const Point* before = nullptr;
    const Point* after = nullptr;
    for (const Point& point : points) {
      builder.AddSample(point.t_ns, {&point.value, 1});
      if (point.t_ns < range.begin_ns) {
        if (!before || point.t_ns > before->t_ns) before = &point;
      } else if (point.t_ns >= range.end_ns) {
        if (!after || point.t_ns < after->t_ns) after = &point;
      } else {
        Column& column = columns[NaiveColumn(range, width, point.t_ns)];
        ++column.samples;
        if (!std::isfinite(point.value)) continue;
        Extremes& extremes = column.channels[0];
        extremes.min = extremes.finite ? std::min(extremes.min, point.value) : point.value;
        extremes.max = extremes.finite ? std::max(extremes.max, point.value) : point.value;
        ++extremes.finite;
      }
    }
    const Overview overview = std::move(builder).Build();
    ASSERT_EQ(overview.columns.size(), width);
    for (size_t c = 0; c < width; ++c) {
      ASSERT_EQ(overview.columns[c].samples, columns[c].samples);
      ASSERT_EQ(overview.columns[c].channels, columns[c].channels);
    }
    ASSERT_EQ(overview.before.has_value(), before != nullptr);
    ASSERT_EQ(overview.after.has_value(), after != nullptr);
    if (before) {
      ASSERT_EQ(overview.before->t_ns, before->t_ns);
    }
    if (after) {
      ASSERT_EQ(overview.after->t_ns, after->t_ns);
    }
    ASSERT_EQ(overview.gaps, NaiveGaps(range, points, gap_ns));
  }
}

TEST(OverviewTest, BucketsNeverLoseASpike) {
  Random random(2);
  const SampleType type = SampleType::kFloat64;
  for (int round = 0; round < 500; ++round) {
    const std::vector<Point> points = RandomPoints(random);
    std::vector<int64_t> stamps;
    std::vector<double> values;
    for (const Point& point : points) {
      stamps.push_back(point.t_ns);
      values.push_back(point.value);
    }
    const auto gap_ns = static_cast<int64_t>(20 + Below(random, 100));
    const auto buckets = MakeBuckets({&type, 1}, Stamps::Exact(stamps), BytesFrom(values), gap_ns);
    const TimeRange range{static_cast<int64_t>(Below(random, 500)),
                          501 + static_cast<int64_t>(Below(random, 5000))};
    const size_t width = 1 + Below(random, 100);
    OverviewBuilder builder(range, width, 1, gap_ns);
    for (const Bucket& bucket : buckets) builder.AddBucket(bucket);
    const Overview overview = std::move(builder).Build();
    for (const Point& point : points) {
      if (point.t_ns < range.begin_ns || point.t_ns >= range.end_ns) continue;
      const Column& column = overview.columns[NaiveColumn(range, width, point.t_ns)];
      ASSERT_GT(column.samples, 0u);
      if (std::isnan(point.value)) continue;
      ASSERT_LE(column.channels[0].min, point.value);
      ASSERT_GE(column.channels[0].max, point.value);
    }
    // Buckets end at gaps, so that the gap list is the one of the samples.
    ASSERT_EQ(overview.gaps, NaiveGaps(range, points, gap_ns));
  }
}

TEST(OverviewTest, TheWholeTimeAxis) {
  OverviewBuilder builder({kMin, kMax}, 16384, 1, 10);
  const double value = 1;
  for (const int64_t t_ns : {kMin, int64_t{-1}, int64_t{0}, kMax - 1, kMax}) {
    builder.AddSample(t_ns, {&value, 1});
  }
  const Overview overview = std::move(builder).Build();
  EXPECT_EQ(overview.columns.front().samples, 1u);
  EXPECT_EQ(overview.columns.back().samples, 1u);
  EXPECT_EQ(overview.columns[8191].samples + overview.columns[8192].samples, 2u);
  ASSERT_TRUE(overview.after);
  EXPECT_EQ(overview.after->t_ns, kMax);
  EXPECT_EQ(overview.gaps, (std::vector<TimeRange>{{kMin + 1, -1}, {1, kMax - 1}}));
}

TEST(OverviewTest, DataOutsideShortensTheOuterGaps) {
  OverviewBuilder builder({100, 200}, 10, 1, 30);
  builder.AddCovered(50, 95);
  builder.AddCovered(120, 180);
  builder.AddCovered(205, 300);
  EXPECT_TRUE(std::move(builder).Build().gaps.empty());
}

TEST(OverviewTest, NothingAtAllIsOneGap) {
  OverviewBuilder builder({100, 200}, 10, 2, 30);
  const Overview overview = std::move(builder).Build();
  EXPECT_EQ(overview.gaps, (std::vector<TimeRange>{{100, 200}}));
  EXPECT_FALSE(overview.before || overview.after);
  EXPECT_EQ(overview.columns[0].channels.size(), 2u);
}

}  // namespace
}  // namespace tidemark::signal
