// One connection to the bench's own cluster, by libpq itself: what limits are measured with.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::bench {

struct FreePgConn {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct FreePgResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, FreePgResult>;

// Not thread-safe.
class PgSession {
 public:
  // UNAVAILABLE
  static absl::StatusOr<PgSession> Connect(const std::string& dsn);

  // Runs SQL without parameters. INTERNAL with what the server said.
  absl::Status Run(const std::string& sql);
  // The only value of a query, as a number.
  absl::StatusOr<int64_t> Number(const std::string& sql);
  // Takes the results of what was sent. INTERNAL unless all of them are good.
  absl::Status Collect();

  PGconn* raw() const { return connection_.get(); }
  absl::Status Fault() const;

 private:
  explicit PgSession(PGconn* connection) : connection_(connection) {}

  std::unique_ptr<PGconn, FreePgConn> connection_;
};

// True for results of statements that did what they should.
bool IsGood(const PGresult* result);

}  // namespace tidemark::bench
