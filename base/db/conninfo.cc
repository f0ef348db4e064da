#include "base/db/conninfo.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <map>
#include <memory>
#include <string_view>

namespace tidemark::db {
namespace {

// Bounds on a host that does not answer: while connecting, and on an idle or half-open connection.
constexpr int kConnectTimeoutS = 10;
constexpr int kKeepaliveIdleS = 10;
constexpr int kKeepaliveIntervalS = 5;
constexpr int kKeepaliveCount = 3;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::string Quoted(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

absl::StatusOr<std::string> SessionDsn(const std::string& dsn, const SessionOptions& options) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(PQconninfoParse(dsn.c_str(), &error));
  PQfreemem(error);
  if (!parsed) return absl::InvalidArgumentError("the database's connection string is malformed");

  std::map<std::string, std::string> keywords = {
      {"application_name", options.application_name},
      {"client_encoding", "UTF8"},
      {"connect_timeout", std::to_string(kConnectTimeoutS)},
      {"keepalives_idle", std::to_string(kKeepaliveIdleS)},
      {"keepalives_interval", std::to_string(kKeepaliveIntervalS)},
      {"keepalives_count", std::to_string(kKeepaliveCount)},
  };
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords[option->keyword] = option->val;
  }
  keywords["options"] +=
      fmt::format(" -c statement_timeout={} -c TimeZone=UTC -c client_min_messages=warning",
                  options.statement_timeout_ms);

  std::string session;
  for (const auto& [keyword, value] : keywords) {
    session += fmt::format("{}={} ", keyword, Quoted(value));
  }
  return session;
}

}  // namespace tidemark::db
