// docs/BENCHMARKS.md: the method and the last figures of every group.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/figure.h"

namespace tidemark::bench {

// One section of the page.
struct GroupSection {
  std::string name;
  std::string method;           // Markdown: what is measured, how, beside what
  bool measured = false;        // by the run that writes the page
  std::string data;             // what it was measured over; may be empty
  std::vector<Figure> figures;  // of that run
};

// Where and when the figures came to be.
struct RunInfo {
  std::string machine;  // MachineLine
  std::string date;     // 2026-01-31
  std::string command;  // what repeats the run
};

// The page after a run. `current` is what it holds now ("" if there is none): the figures of
// sections that this run did not measure are taken over from it as they stand, with the machine
// they came from. The methods are always those of `sections`, in that order.
std::string RenderBenchmarksPage(std::string_view current, std::span<const GroupSection> sections,
                                 const RunInfo& run);

}  // namespace tidemark::bench
