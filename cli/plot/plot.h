// Pictures of signals: small multiples as SVG, one panel per stream or unit over one time axis.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::cli {

// Values seen at one instant or in one column; NaN in either breaks the line.
struct PlotPoint {
  int64_t t_ns = 0;
  double min = 0;
  double max = 0;
};

struct PlotSeries {
  std::string name;
  std::vector<PlotPoint> points;  // ascending in time
};

struct PlotRange {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

struct PlotPanel {
  std::string title;  // such as "watch / acc"
  std::string unit;   // UCUM code, shown for people
  std::vector<PlotSeries> series;
  std::vector<PlotRange> gaps;  // shaded: nothing was recorded
};

struct PlotInput {
  std::string title;
  std::string subtitle;
  PlotRange range;  // begin < end; points outside are clipped
  std::vector<PlotPanel> panels;
};

// Columns of equal width over `range`, as GetOverview returns them. Both spans have the same size.
PlotSeries SeriesFromColumns(std::string_view name, const PlotRange& range,
                             std::span<const double> min, std::span<const double> max);

// A whole SVG document, 1200 px wide, without scripts, fonts or references. Equal input gives equal
// bytes. Neighbouring points further apart than a gap of the panel are not joined.
std::string PlotSvg(const PlotInput& input);

}  // namespace tidemark::cli
