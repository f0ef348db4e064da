#include "cli/plot/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "cli/plot/ticks.h"
#include "cli/plot/xml_text.h"

namespace tidemark::cli {
namespace {

constexpr double kWidth = 1200;
constexpr double kLeft = 84;
constexpr double kRight = 24;
constexpr double kTop = 64;
constexpr double kPanelHeight = 150;
constexpr double kPanelHead = 26;  // title and legend of a panel
constexpr double kPanelGap = 14;
constexpr double kBottom = 44;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kValueMax = 1e307;  // beyond it, differences of values leave double
constexpr int kTimeTicksMax = 10;
constexpr int kValueTicks = 4;

// P. Bang Wong's palette, which people with any colour vision tell apart, yellow left out.
constexpr std::array<std::string_view, 7> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#E69F00", "#56B4E9", "#000000"};

// What people write for a UCUM code.
std::string UnitText(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kKnown = {{
      {"m/s2", "m/s²"},
      {"[g]", "g"},
      {"Cel", "°C"},
      {"uS", "µS"},
      {"uT", "µT"},
      {"/min", "1/min"},
      {"1", ""},
      {"deg", "°"},
  }};
  for (const auto& [code, text] : kKnown) {
    if (unit == code) return std::string(text);
  }
  return std::string(unit);
}

struct Span {
  double low = 0;
  double high = 1;
};

bool IsDrawn(const PlotPoint& point, const PlotRange& range) {
  return std::isfinite(point.min) && std::isfinite(point.max) && point.t_ns >= range.begin_ns &&
         point.t_ns <= range.end_ns;
}

// The values of a panel with some air; never empty.
Span ValueSpan(const PlotPanel& panel, const PlotRange& range) {
  Span span{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const PlotSeries& series : panel.series) {
    for (const PlotPoint& point : series.points) {
      if (!IsDrawn(point, range)) continue;
      span.low = std::max(std::min(span.low, point.min), -kValueMax);
      span.high = std::min(std::max(span.high, point.max), kValueMax);
    }
  }
  if (span.low > span.high) return {};
  const double size = std::abs(span.low) + std::abs(span.high);
  if (size == 0) return {-1, 1};
  const double height = span.high - span.low;
  const double air = height > 1e-9 * size ? 0.06 * height : 0.1 * size;
  return {span.low - air, span.high + air};
}

// Writes one panel at `top`.
class Panel {
 public:
  Panel(const PlotPanel& panel, const PlotRange& range, double top, std::string& svg)
      : panel_(panel), range_(range), span_(ValueSpan(panel, range)), top_(top), svg_(svg) {}

  void Draw() {
    DrawHead();
    DrawGaps();
    DrawGrid();
    for (size_t i = 0; i < panel_.series.size(); ++i) DrawSeries(panel_.series[i], ColourOf(i));
    Add(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="frame"/>)", kLeft,
        top_, kPlotWidth, kPanelHeight);
  }

 private:
  template <class... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    svg_ += fmt::format(format, std::forward<Args>(args)...);
    svg_ += '\n';
  }
  static std::string_view ColourOf(size_t i) { return kColours[i % kColours.size()]; }

  double X(int64_t t_ns) const {
    const double into = static_cast<double>(t_ns) - static_cast<double>(range_.begin_ns);
    const double whole = static_cast<double>(range_.end_ns) - static_cast<double>(range_.begin_ns);
    // Times near today are beyond 2^53: subtract as integers where that is possible.
    int64_t exact = 0;
    const bool fits = !__builtin_sub_overflow(t_ns, range_.begin_ns, &exact);
    return kLeft + kPlotWidth * (fits ? static_cast<double>(exact) : into) / whole;
  }
  double Y(double value) const {
    const double inside = std::clamp(value, span_.low, span_.high);
    return top_ + kPanelHeight * ((span_.high - inside) / (span_.high - span_.low));
  }

  void DrawHead() {
    const std::string unit = UnitText(panel_.unit);
    const std::string title = unit.empty() ? panel_.title : panel_.title + "  [" + unit + "]";
    Add(R"(<text x="{:.1f}" y="{:.1f}" class="panel">{}</text>)", kLeft, top_ - 8,
        EscapeXml(title));
    double right = kWidth - kRight;
    for (size_t i = panel_.series.size(); i-- > 0;) {
      const std::string& name = panel_.series[i].name;
      right -= 8.0 + 6.6 * static_cast<double>(name.size());
      Add(R"(<text x="{:.1f}" y="{:.1f}" class="legend">{}</text>)", right, top_ - 8,
          EscapeXml(name));
      right -= 18;
      Add(R"(<rect x="{:.1f}" y="{:.1f}" width="13" height="4" fill="{}"/>)", right, top_ - 14,
          ColourOf(i));
      right -= 6;
    }
  }

  void DrawGaps() {
    for (const PlotRange& gap : panel_.gaps) {
      const double from = X(std::max(gap.begin_ns, range_.begin_ns));
      const double to = X(std::min(gap.end_ns, range_.end_ns));
      if (to <= from) continue;
      Add(R"(<rect x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{:.1f}" class="gap"/>)", from, top_,
          std::max(to - from, 0.5), kPanelHeight);
    }
  }

  void DrawGrid() {
    for (const ValueTick& tick : ValueTicks(span_.low, span_.high, kValueTicks)) {
      const double y = Y(tick.value);
      Add(R"(<path d="M{:.1f} {:.1f}H{:.1f}" class="grid"/>)", kLeft, y, kWidth - kRight);
      Add(R"(<text x="{:.1f}" y="{:.1f}" class="value">{}</text>)", kLeft - 8, y + 3.5, tick.text);
    }
    for (const TimeTick& tick : TimeTicks(range_.begin_ns, range_.end_ns, kTimeTicksMax)) {
      Add(R"(<path d="M{:.1f} {:.1f}V{:.1f}" class="grid"/>)", X(tick.t_ns), top_,
          top_ + kPanelHeight);
    }
  }

  bool IsGapBetween(int64_t a_ns, int64_t b_ns) const {
    return std::any_of(panel_.gaps.begin(), panel_.gaps.end(), [&](const PlotRange& gap) {
      return gap.begin_ns < b_ns && gap.end_ns > a_ns;
    });
  }

  // Each stretch without a break is one filled shape from its maxima and back along its minima; a
  // stroke of the same colour keeps it visible where both are equal.
  void DrawSeries(const PlotSeries& series, std::string_view colour) {
    std::vector<const PlotPoint*> stretch;
    for (const PlotPoint& point : series.points) {
      const bool drawn = IsDrawn(point, range_);
      if (!drawn || (!stretch.empty() && IsGapBetween(stretch.back()->t_ns, point.t_ns))) {
        DrawStretch(stretch, colour);
        stretch.clear();
      }
      if (drawn) stretch.push_back(&point);
    }
    DrawStretch(stretch, colour);
  }

  void DrawStretch(const std::vector<const PlotPoint*>& stretch, std::string_view colour) {
    if (stretch.empty()) return;
    if (stretch.size() == 1) {
      const PlotPoint& point = *stretch[0];
      Add(R"(<path d="M{:.2f} {:.2f}V{:.2f}" stroke="{}" class="dot"/>)", X(point.t_ns),
          Y(point.max), Y(point.min), colour);
      return;
    }
    const bool line = std::all_of(stretch.begin(), stretch.end(),
                                  [](const PlotPoint* point) { return point->min == point->max; });
    std::string path;
    for (const PlotPoint* point : stretch) {
      path +=
          fmt::format("{}{:.2f} {:.2f}", path.empty() ? "M" : "L", X(point->t_ns), Y(point->max));
    }
    if (line) {
      Add(R"(<path d="{}" stroke="{}" class="line"/>)", path, colour);
      return;
    }
    for (size_t i = stretch.size(); i-- > 0;) {
      path += fmt::format("L{:.2f} {:.2f}", X(stretch[i]->t_ns), Y(stretch[i]->min));
    }
    Add(R"(<path d="{}Z" fill="{}" stroke="{}" class="band"/>)", path, colour, colour);
  }

  const PlotPanel& panel_;
  const PlotRange& range_;
  const Span span_;
  const double top_;
  std::string& svg_;
};

constexpr std::string_view kStyle =
    "text{font-family:Helvetica,Arial,sans-serif;font-size:11px;fill:#333}"
    ".title{font-size:17px;font-weight:bold;fill:#111}.subtitle{font-size:12px;fill:#555}"
    ".panel{font-size:12px;font-weight:bold;fill:#222}.value{text-anchor:end}"
    ".time{text-anchor:middle}.grid{stroke:#e3e3e3;fill:none}"
    ".frame{fill:none;stroke:#999}.gap{fill:#c9c9c9;fill-opacity:.55}"
    ".line{fill:none;stroke-width:1.2;stroke-linejoin:round}"
    ".band{fill-opacity:.55;stroke-width:.7;stroke-opacity:.85;stroke-linejoin:round}"
    ".dot{stroke-width:1.2;stroke-linecap:round}";

std::string TimeAxis(const PlotRange& range, double y) {
  std::string svg;
  for (const TimeTick& tick : TimeTicks(range.begin_ns, range.end_ns, kTimeTicksMax)) {
    const double part = static_cast<double>(tick.t_ns - range.begin_ns) /
                        (static_cast<double>(range.end_ns) - static_cast<double>(range.begin_ns));
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"time\">{}</text>\n",
                       kLeft + kPlotWidth * part, y + 16, tick.text);
  }
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{} to {}</text>\n", kLeft, y + 34,
                     UtcText(range.begin_ns), UtcText(range.end_ns));
  return svg;
}

}  // namespace

PlotSeries SeriesFromColumns(std::string_view name, const PlotRange& range,
                             std::span<const double> min, std::span<const double> max) {
  PlotSeries series{.name = std::string(name), .points = {}};
  const double width =
      static_cast<double>(range.end_ns - range.begin_ns) / static_cast<double>(min.size());
  for (size_t i = 0; i < min.size(); ++i) {
    const auto middle_ns = static_cast<int64_t>((static_cast<double>(i) + 0.5) * width);
    series.points.push_back({range.begin_ns + middle_ns, min[i], max[i]});
  }
  return series;
}

std::string PlotSvg(const PlotInput& input) {
  const double panel_step = kPanelHead + kPanelHeight + kPanelGap;
  const double panels_end =
      kTop + panel_step * static_cast<double>(input.panels.size()) - kPanelGap;
  const double height = std::max(panels_end, kTop) + kBottom;
  std::string svg = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\">\n<title>{2}</title>\n<style>{3}</style>\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n"
      "<text x=\"{4:.0f}\" y=\"26\" class=\"title\">{2}</text>\n"
      "<text x=\"{4:.0f}\" y=\"46\" class=\"subtitle\">{5}</text>\n",
      kWidth, height, EscapeXml(input.title), kStyle, kLeft, EscapeXml(input.subtitle));
  double top = kTop + kPanelHead;
  for (const PlotPanel& panel : input.panels) {
    Panel(panel, input.range, top, svg).Draw();
    top += panel_step;
  }
  svg += TimeAxis(input.range, std::max(panels_end, kTop));
  return svg + "</svg>\n";
}

}  // namespace tidemark::cli
