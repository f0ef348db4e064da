// The process log: one line per event, JSON or text, to stderr.
//
// Log names, counts, reasons and durations; never ids of people, codes, tokens, addresses, file
// names or text that a person typed.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

namespace tidemark {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// A named value of a line. Names are fixed and stand in docs/operation.md.
struct LogField {
  std::string_view name;
  std::string value;
};

// Call once at start, before threads exist. `level` is debug, info, warning or error.
void InitLog(std::string_view level, bool json);

// Whether a line of this level is written at all.
bool IsLogged(LogLevel level);

// As JSON: {"time", "level", "message", and the fields}; as text: the message, then name=value.
void LogLine(LogLevel level, std::string_view message, std::span<const LogField> fields = {});

// While it lives, every line that its thread writes carries `fields`, too: which call it belongs
// to. Of scopes that are nested, the inner one counts. `fields` outlive it.
class LogScope {
 public:
  explicit LogScope(std::span<const LogField> fields);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  const std::span<const LogField> outer_;
};

template <class... Args>
void LogInfo(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void LogWarning(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void LogError(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void LogDebug(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tidemark
