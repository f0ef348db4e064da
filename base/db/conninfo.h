// How a session of Tidemark differs from what a plain connection string says.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark::db {

struct SessionOptions {
  std::string application_name = "tidemark";
  int64_t statement_timeout_ms = 30'000;  // 0: none
  // When connecting must have ended; libpq counts whole seconds and waits for 2 at least.
  absl::Time connect_deadline = absl::InfiniteFuture();
};

// `dsn` (libpq keywords or URI) as keywords, with what every session shares: the name, the
// statement timeout, UTC, UTF-8, no notices below warnings, and bounded waits for a host that does
// not answer. What `dsn` says itself about connecting wins, but for a connect_timeout that would go
// beyond the deadline. libpq waits so long for each host of a list: they share what is left.
//   INVALID_ARGUMENT  `dsn` cannot be parsed; the message does not repeat it (it may hold a secret)
absl::StatusOr<std::string> SessionDsn(const std::string& dsn, const SessionOptions& options);

// Whether a secret stands in `dsn` itself.
//   INVALID_ARGUMENT  as above
absl::StatusOr<bool> HoldsPassword(const std::string& dsn);

}  // namespace tidemark::db
