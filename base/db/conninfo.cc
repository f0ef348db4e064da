#include "base/db/conninfo.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <string_view>

#include "absl/time/clock.h"
#include "base/status_macros.h"

namespace tidemark::db {
namespace {

// Bounds on a host that does not answer: while connecting, and on an idle or half-open connection.
constexpr int64_t kConnectTimeoutS = 10;
constexpr int64_t kConnectTimeoutLeastS = 2;  // libpq takes 1 for 2, and 0 for ever
constexpr int kKeepaliveIdleS = 10;
constexpr int kKeepaliveIntervalS = 5;
constexpr int kKeepaliveCount = 3;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

using ParsedOptions = std::unique_ptr<PQconninfoOption, FreeOptions>;

absl::StatusOr<ParsedOptions> Parse(const std::string& dsn) {
  char* error = nullptr;
  ParsedOptions parsed(PQconninfoParse(dsn.c_str(), &error));
  PQfreemem(error);
  if (!parsed) return absl::InvalidArgumentError("the database's connection string is malformed");
  return parsed;
}

std::string Quoted(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

using Keywords = std::map<std::string, std::string>;

int64_t CountHosts(const Keywords& keywords) {
  int64_t hosts = 1;
  for (const char* keyword : {"host", "hostaddr"}) {
    const auto found = keywords.find(keyword);
    if (found == keywords.end()) continue;
    hosts = std::max<int64_t>(hosts, 1 + std::ranges::count(found->second, ','));
  }
  return hosts;
}

// `asked`, the connection string's own wish, within what is left for each host.
int64_t ConnectTimeoutS(const std::string& asked, int64_t hosts, absl::Duration left) {
  int64_t wish = 0;
  std::from_chars(asked.data(), asked.data() + asked.size(), wish);
  const int64_t share = absl::ToInt64Seconds(left) / hosts;
  if (wish <= 0) wish = share;
  return std::max(std::min(wish, share), kConnectTimeoutLeastS);
}

}  // namespace

absl::StatusOr<bool> HoldsPassword(const std::string& dsn) {
  TM_ASSIGN_OR_RETURN(const ParsedOptions parsed, Parse(dsn));
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    if ((keyword == "password" || keyword == "sslpassword") && option->val != nullptr) return true;
  }
  return false;
}

absl::StatusOr<std::string> SessionDsn(const std::string& dsn, const SessionOptions& options) {
  TM_ASSIGN_OR_RETURN(const ParsedOptions parsed, Parse(dsn));
  Keywords keywords = {
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
  if (options.connect_deadline != absl::InfiniteFuture()) {
    keywords["connect_timeout"] = std::to_string(ConnectTimeoutS(
        keywords["connect_timeout"], CountHosts(keywords), options.connect_deadline - absl::Now()));
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
