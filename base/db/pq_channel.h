// Non-blocking traffic on one libpq connection: internal to base/db, under pipeline.h.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tidemark::db::internal {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PqResult = std::unique_ptr<PGresult, ClearResult>;

inline bool Succeeded(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE;
}

// The status of a failed result, by its SQLSTATE.
absl::Status ErrorOf(const PGresult* result, std::string_view name);

// Owns the connection. libpq's own blocking calls can wait for ever, and can dead-lock with a
// server that blocks on its replies while we block on a large request; here sending always reads as
// well, and a server that is silent for longer than the limit is given up.
class PqChannel {
 public:
  PqChannel(PGconn* connection, int silence_ms_max);
  ~PqChannel() { PQfinish(connection_); }
  PqChannel(const PqChannel&) = delete;
  PqChannel& operator=(const PqChannel&) = delete;

  // For libpq's calls that only queue or inspect; never for those that wait.
  PGconn* raw() const { return connection_; }

  // False once the connection is lost or given up: nothing works on it any more.
  bool usable() const { return !given_up_ && PQstatus(connection_) == CONNECTION_OK; }
  // usable(), after looking whether the server has closed the connection meanwhile.
  bool CheckUsable();
  void GiveUp() { given_up_ = true; }

  // Sends everything that is queued; false when the connection is given up.
  bool Flush();
  // The next result; null at the end of a command, and when usable() has become false.
  PqResult Next();
  // The first result of the command that was sent, or its first error; reads to its end.
  absl::Status Collect(std::string_view name, PqResult* first);
  // UNAVAILABLE, and ConnectionIsLost().
  static absl::Status Lost(std::string_view name);

 private:
  bool Exchange(bool await_result);

  PGconn* const connection_;
  const int silence_ms_max_;
  bool given_up_ = false;
};

}  // namespace tidemark::db::internal
