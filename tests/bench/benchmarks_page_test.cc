#include "tests/bench/benchmarks_page.h"

#include <gmock/gmock.h>

namespace tidemark::bench {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kLow = 1.25, kHigh = 1.75;

GroupSection Ingest(bool measured) {
  Figure figure = Counted("ingest.lone_ms", 1.5, "ms", Better::kLower);
  figure.interval = {kLow, kHigh};
  figure.floor = 2;
  figure.limit = Limit{"an empty call", 0.5};
  return {.name = "ingest",
          .method = "How it is done.\n",
          .measured = measured,
          .data = "",
          .figures = {figure}};
}

GroupSection Storage(bool measured, double value) {
  return {.name = "storage",
          .method = "What is counted.\n",
          .measured = measured,
          .data = "real recordings",
          .figures = {Counted("storage.acc", value, "B/sample", Better::kLower)}};
}

const RunInfo kFirst{"Old CPU", "2026-01-01", "./dev bench"};
const RunInfo kSecond{"New CPU", "2026-02-02", "./dev bench storage"};

std::string Render(std::string_view current, std::vector<GroupSection> sections,
                   const RunInfo& run) {
  return RenderBenchmarksPage(current, sections, run);
}

TEST(BenchmarksPageTest, HasMethodMachineAndFigures) {
  EXPECT_THAT(
      Render("", {Ingest(true), Storage(true, 2.5)}, kFirst),
      AllOf(HasSubstr("# Benchmarks\n"),
            HasSubstr("\n## ingest\n\nHow it is done.\n\nMeasured on 2026-01-01: Old CPU. "
                      "`./dev bench`\n"),
            HasSubstr("\n| `ingest.lone_ms` | 1.5 | 1.25 to 1.75 | ms | 2 | - | an empty call 0.5 "
                      "|\n"),
            HasSubstr("Old CPU; real recordings."),
            HasSubstr("\n| `storage.acc` | 2.5 | counted | B/sample | - | - |  |\n")));
}

TEST(BenchmarksPageTest, KeepsTheFiguresOfOtherGroupsWithTheirMachine) {
  const std::string first = Render("", {Ingest(true), Storage(true, 2.5)}, kFirst);
  const std::string second = Render(first, {Ingest(false), Storage(true, 3.5)}, kSecond);
  EXPECT_THAT(second, AllOf(HasSubstr("Measured on 2026-01-01: Old CPU. `./dev bench`\n"),
                            HasSubstr("| `ingest.lone_ms` | 1.5 |"),
                            HasSubstr("Measured on 2026-02-02: New CPU;"),
                            HasSubstr("| `storage.acc` | 3.5 |"), Not(HasSubstr("2.5"))));
  // Nothing but the figures is taken over, and again and again the same.
  EXPECT_EQ(Render(second, {Ingest(false), Storage(false, 9)}, kFirst), second);
  GroupSection reworded = Ingest(false);
  reworded.method = "Done otherwise.\n";
  EXPECT_THAT(Render(second, {reworded, Storage(false, 9)}, kFirst),
              AllOf(HasSubstr("Done otherwise.\n\nMeasured on 2026-01-01: Old CPU."),
                    Not(HasSubstr("How it is done"))));
}

TEST(BenchmarksPageTest, AGroupWithoutFiguresSaysSo) {
  const std::string page = Render("", {Ingest(false), Storage(true, 2.5)}, kFirst);
  EXPECT_THAT(page, HasSubstr("How it is done.\n\nNot measured yet.\n\n## storage\n"));
  EXPECT_EQ(Render(page, {Ingest(false), Storage(false, 9)}, kSecond), page);
}

TEST(BenchmarksPageTest, NoTextBreaksTheTable) {
  GroupSection section = Ingest(true);
  section.figures[0].limit = Limit{"a|b\nc\\d", 1};
  EXPECT_THAT(Render("", {section}, kFirst), HasSubstr("| a\\|b c\\\\d 1 |\n"));
}

TEST(BenchmarksPageTest, UndefinedIsADash) {
  GroupSection section = Ingest(true);
  section.figures = {MedianOf("ingest.none", {}, "ms", Better::kLower)};
  EXPECT_THAT(Render("", {section}, kFirst),
              HasSubstr("| `ingest.none` | - | - | ms | - | - |  |\n"));
}

}  // namespace
}  // namespace tidemark::bench
