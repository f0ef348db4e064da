// How a session of Tidemark differs from what a plain connection string says.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace tidemark::db {

struct SessionOptions {
  std::string application_name = "tidemark";
  int64_t statement_timeout_ms = 30'000;  // 0: none
};

// `dsn` (libpq keywords or URI) as keywords, with what every session shares: the name, the
// statement timeout, UTC, UTF-8, no notices below warnings, and bounded waits for a host that does
// not answer. What `dsn` says itself about connecting wins.
//   INVALID_ARGUMENT  `dsn` cannot be parsed; the message does not repeat it (it may hold a secret)
absl::StatusOr<std::string> SessionDsn(const std::string& dsn, const SessionOptions& options);

}  // namespace tidemark::db
