#include "ingest/number_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tidemark::ingest {
namespace {

absl::Status Malformed() { return absl::DataLossError("a set of chunk numbers is malformed"); }

bool Consume(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

bool ConsumeNumber(std::string_view& text, int64_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool ConsumeRun(std::string_view& text, NumberRun* run) {
  return Consume(text, '[') && ConsumeNumber(text, &run->begin) && Consume(text, ',') &&
         ConsumeNumber(text, &run->end) && Consume(text, ')') && run->begin < run->end;
}

}  // namespace

std::vector<NumberRun> RunsOf(std::vector<int64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  std::vector<NumberRun> runs;
  for (const int64_t number : numbers) {
    if (!runs.empty() && number <= runs.back().end) {
      runs.back().end = number + 1;
    } else {
      runs.push_back({number, number + 1});
    }
  }
  return runs;
}

std::string ToMultirange(std::span<const NumberRun> runs) {
  std::string text = "{";
  for (const NumberRun& run : runs) {
    if (text.size() > 1) text += ',';
    text += fmt::format("[{},{})", run.begin, run.end);
  }
  return text + "}";
}

absl::StatusOr<std::vector<NumberRun>> ParseMultirange(std::string_view text) {
  std::vector<NumberRun> runs;
  if (!Consume(text, '{')) return Malformed();
  if (text != "}") {
    do {
      if (!ConsumeRun(text, &runs.emplace_back())) return Malformed();
    } while (Consume(text, ','));
  }
  if (text != "}") return Malformed();
  return runs;
}

}  // namespace tidemark::ingest
