#include "tests/bench/benchmarks_page.h"

#include <fmt/format.h>

namespace tidemark::bench {
namespace {

constexpr std::string_view kHead = R"(# Benchmarks

Written by `./dev bench --update-docs`, which keeps the figures of groups that it did not measure;
the texts stand in `tests/bench`. Figures are of a release build, and mean something beside each
other and beside the limit of the same row, which was measured in the same run on the same machine.

An interval holds about 95 % of what a repeated run would give. A floor is missed, and the command
ends with 1, only when the whole interval is on the wrong side of it; a goal is what we would like.
)";

// The line that starts what a run wrote about a group, up to the next section.
constexpr std::string_view kMeasured = "Measured on ";
constexpr std::string_view kNotMeasured = "Not measured yet.\n";

std::string Heading(std::string_view group) { return fmt::format("## {}\n", group); }

// The text as a cell of a table: nothing in it ends the cell or the row.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|' || c == '\\') cell += '\\';
    cell += c == '\n' || c == '\r' ? ' ' : c;
  }
  return cell;
}

std::string FigureRow(const Figure& figure) {
  const std::string beside =
      figure.limit ? fmt::format("{} {:.4g}", figure.limit->what, figure.limit->value) : "";
  return fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", Cell(figure.id),
                     FormatNumber(figure.value), FormatInterval(figure), Cell(figure.unit),
                     FormatNumber(figure.floor), FormatNumber(figure.goal), Cell(beside));
}

std::string NewFigures(const GroupSection& section, const RunInfo& run) {
  std::string text =
      fmt::format("{}{}: {}{}{}. `{}`\n\n", kMeasured, run.date, Cell(run.machine),
                  section.data.empty() ? "" : "; ", Cell(section.data), Cell(run.command));
  text += "| id | value | interval | unit | floor | goal | beside |\n";
  text += "|---|--:|--:|---|--:|--:|---|\n";
  for (const Figure& figure : section.figures) text += FigureRow(figure);
  return text;
}

// What the page holds of a group's figures; "" if nothing.
std::string KeptFigures(std::string_view page, std::string_view group) {
  const std::string heading = "\n" + Heading(group);
  const size_t begin = page.find(heading);
  if (begin == std::string_view::npos) return "";
  std::string_view section = page.substr(begin + heading.size());
  section = section.substr(0, section.find("\n## "));
  const size_t measured = section.find("\n" + std::string(kMeasured));
  if (measured == std::string_view::npos) return "";
  std::string kept(section.substr(measured + 1));
  kept.erase(kept.find_last_not_of('\n') + 1);
  return kept + "\n";
}

}  // namespace

std::string RenderBenchmarksPage(std::string_view current, std::span<const GroupSection> sections,
                                 const RunInfo& run) {
  std::string page(kHead);
  for (const GroupSection& section : sections) {
    std::string figures =
        section.measured ? NewFigures(section, run) : KeptFigures(current, section.name);
    if (figures.empty()) figures = kNotMeasured;
    page += fmt::format("\n{}\n{}\n{}", Heading(section.name), section.method, figures);
  }
  return page;
}

}  // namespace tidemark::bench
