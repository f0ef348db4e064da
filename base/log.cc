#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

namespace tidemark {
namespace {

bool g_json = false;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// The fields of the innermost LogScope.
thread_local std::span<const LogField> t_scope_fields;

// Bytes beyond ASCII one by one, so that a line is JSON whatever stands in it.
std::string JsonEscaped(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      escaped += fmt::format("\\u{:04x}", unsigned{byte});
    } else {
      escaped += c;
    }
  }
  return escaped;
}

void AppendField(std::string& line, const LogField& field) {
  line += g_json ? fmt::format(R"(,"{}":"{}")", field.name, JsonEscaped(field.value))
                 : fmt::format(" {}={}", field.name, field.value);
}

}  // namespace

void InitLog(std::string_view level, bool json) {
  g_json = json;
  auto logger = std::make_shared<spdlog::logger>("tidemark",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                           : "%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(std::string(level)));
  spdlog::set_default_logger(std::move(logger));
}

bool IsLogged(LogLevel level) { return spdlog::default_logger_raw()->should_log(ToSpdlog(level)); }

void LogLine(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  if (!IsLogged(level)) return;
  std::string line =
      g_json ? fmt::format(R"("message":"{}")", JsonEscaped(message)) : std::string(message);
  for (const LogField& field : t_scope_fields) AppendField(line, field);
  for (const LogField& field : fields) AppendField(line, field);
  spdlog::default_logger_raw()->log(ToSpdlog(level),
                                    spdlog::string_view_t(line.data(), line.size()));
}

LogScope::LogScope(std::span<const LogField> fields)
    : outer_(std::exchange(t_scope_fields, fields)) {}

LogScope::~LogScope() { t_scope_fields = outer_; }

}  // namespace tidemark
