#include "cli/plot/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace tidemark::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

size_t Count(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Whether every element that opens also closes, in order, and no '<' or '&' stands bare.
bool IsWellFormed(const std::string& svg) {
  std::vector<std::string> open;
  for (size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const size_t end = svg.find('>', at);
    if (end == std::string::npos ||
        svg.substr(at + 1, end - at - 1).find('<') != std::string::npos) {
      return false;
    }
    const std::string tag = svg.substr(at + 1, end - at - 1);
    if (tag[0] == '?' || tag.back() == '/') continue;
    if (tag[0] != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    }
  }
  return open.empty() && Count(svg, "&") == Count(svg, "&amp;") + Count(svg, "&lt;") +
                                                Count(svg, "&gt;") + Count(svg, "&quot;") +
                                                Count(svg, "&#39;");
}

PlotInput Simple() {
  PlotInput input{.title = "watch", .subtitle = "p1", .range = {0, 1'000}, .panels = {}};
  input.panels.push_back(
      {.title = "watch / acc",
       .unit = "m/s2",
       .series = {{"x", {{0, 1, 1}, {100, 2, 2}, {200, 3, 3}}}, {"y", {{0, -1, 1}, {100, -2, 2}}}},
       .gaps = {}});
  return input;
}

TEST(PlotTest, DrawsLinesBandsLegendAndUnit) {
  const std::string svg = PlotSvg(Simple());
  EXPECT_TRUE(IsWellFormed(svg)) << svg;
  EXPECT_THAT(svg, HasSubstr("watch / acc  [m/s²]"));
  EXPECT_EQ(Count(svg, "class=\"line\""), 1u);
  EXPECT_EQ(Count(svg, "class=\"band\""), 1u);
  EXPECT_EQ(Count(svg, "class=\"legend\""), 2u);
  EXPECT_EQ(svg, PlotSvg(Simple()));
}

TEST(PlotTest, EscapesText) {
  PlotInput input = Simple();
  input.title = "a<b> & \"c\" 'd' \x01";
  input.panels[0].series[0].name = "</text>";
  const std::string svg = PlotSvg(input);
  EXPECT_TRUE(IsWellFormed(svg)) << svg;
  EXPECT_THAT(svg, HasSubstr("a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;"));
  EXPECT_THAT(svg, Not(HasSubstr("\x01")));
}

TEST(PlotTest, GapsAreShadedAndNotJoined) {
  PlotInput input = Simple();
  input.panels[0].series = {{"x", {{0, 1, 1}, {100, 2, 2}, {600, 3, 3}, {700, 3, 4}}}};
  input.panels[0].gaps = {{150, 550}, {900, 5'000}};
  const std::string svg = PlotSvg(input);
  EXPECT_EQ(Count(svg, "class=\"gap\""), 2u);
  EXPECT_EQ(Count(svg, "class=\"line\"") + Count(svg, "class=\"band\""), 2u);
}

TEST(PlotTest, NanBreaksTheLineAndIsNeverWritten) {
  PlotInput input = Simple();
  input.panels[0].series = {{"x", {{0, 1, 1}, {100, kNan, kNan}, {200, 3, 3}, {300, 4, 4}}}};
  const std::string svg = PlotSvg(input);
  EXPECT_EQ(Count(svg, "class=\"dot\""), 1u);
  EXPECT_EQ(Count(svg, "class=\"line\""), 1u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(PlotTest, SurvivesWhatIsEmptyOrExtreme) {
  PlotInput input = Simple();
  input.panels.push_back({.title = "empty", .unit = "1", .series = {}, .gaps = {}});
  input.panels.push_back(
      {.title = "flat", .unit = "Cel", .series = {{"t", {{1, 0, 0}, {2, 0, 0}}}}, .gaps = {}});
  input.panels.push_back({.title = "huge",
                          .unit = "",
                          .series = {{"t", {{1, -1.7e308, 1.7e308}, {2, 0, 1e-320}}}},
                          .gaps = {}});
  const std::string svg = PlotSvg(input);
  EXPECT_TRUE(IsWellFormed(svg)) << svg;
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_TRUE(IsWellFormed(PlotSvg({.title = "", .subtitle = "", .range = {0, 1}, .panels = {}})));
}

TEST(SeriesFromColumnsTest, PutsPointsInTheMiddle) {
  const std::vector<double> min = {1, 2}, max = {3, 4};
  const PlotSeries series = SeriesFromColumns("x", {1'000, 2'000}, min, max);
  ASSERT_EQ(series.points.size(), 2u);
  EXPECT_EQ(series.points[0].t_ns, 1'250);
  EXPECT_EQ(series.points[1].t_ns, 1'750);
  EXPECT_EQ(series.points[1].max, 4);
}

}  // namespace
}  // namespace tidemark::cli
