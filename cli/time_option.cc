#include "cli/time_option.h"

#include <fmt/format.h>

#include <charconv>

#include "absl/time/time.h"
#include "base/status_macros.h"
#include "cli/exit_code.h"

namespace tidemark::cli {

absl::StatusOr<int64_t> ParseInstant(const std::string& option, const std::string& text) {
  int64_t ns = 0;
  const char* const end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data(), end, ns);
      error == std::errc() && at == end) {
    return ns;
  }
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return absl::ToUnixNanos(time);
  return UsageError(
      fmt::format("{}: \"{}\" is neither 2022-01-01T09:00:00Z nor nanoseconds", option, text));
}

absl::StatusOr<std::optional<v1::TimeRange>> ParseRange(const std::string& from,
                                                        const std::string& to) {
  if (from.empty() && to.empty()) return std::optional<v1::TimeRange>();
  if (from.empty() || to.empty()) return UsageError("from, to: say both or neither");
  v1::TimeRange range;
  TM_ASSIGN_OR_RETURN(const int64_t begin_ns, ParseInstant("from", from));
  TM_ASSIGN_OR_RETURN(const int64_t end_ns, ParseInstant("to", to));
  if (begin_ns >= end_ns) return UsageError("from, to: the range is empty");
  range.set_begin_ns(begin_ns);
  range.set_end_ns(end_ns);
  return std::optional(range);
}

}  // namespace tidemark::cli
