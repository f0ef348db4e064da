#include "base/db/pq_channel.h"

#include <poll.h>

#include <cerrno>
#include <utility>

#include "base/db/sql_error.h"

namespace tidemark::db::internal {
namespace {

std::string_view FieldOf(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text != nullptr ? std::string_view(text) : std::string_view();
}

// Waits for any of `events` on the connection's socket; 0 when none came in time.
short WaitFor(const PGconn* connection, short events, int wait_ms) {
  pollfd socket{PQsocket(connection), events, 0};
  while (true) {
    const int ready = poll(&socket, 1, wait_ms);
    if (ready > 0) return socket.revents;
    if (ready == 0 || errno != EINTR) return 0;
  }
}

}  // namespace

absl::Status ErrorOf(const PGresult* result, std::string_view name) {
  return StatusOfSqlstate(FieldOf(result, PG_DIAG_SQLSTATE), name,
                          FieldOf(result, PG_DIAG_MESSAGE_PRIMARY));
}

PqChannel::PqChannel(PGconn* connection, int silence_ms_max)
    : connection_(connection), silence_ms_max_(silence_ms_max) {
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(connection, 1) != 0) given_up_ = true;
}

// An idle session has nothing to say, except that it ends.
bool PqChannel::CheckUsable() {
  while (usable() && WaitFor(connection_, POLLIN, 0) != 0) {
    if (PQconsumeInput(connection_) == 0) GiveUp();
    PQisBusy(connection_);  // parses what came
  }
  return usable();
}

// Sends and receives until a result can be taken, or until nothing is left to send. A connection
// that just broke counts as having a result: libpq then hands out the reason.
bool PqChannel::Exchange(bool await_result) {
  while (true) {
    if (PQstatus(connection_) != CONNECTION_OK) return await_result;
    const int unsent = PQflush(connection_);
    if (unsent < 0) return await_result;
    if (await_result ? PQisBusy(connection_) == 0 : unsent == 0) return true;
    const auto events = static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
    const short ready = WaitFor(connection_, events, silence_ms_max_);
    if (ready == 0) return false;
    if ((ready & ~POLLOUT) != 0 && PQconsumeInput(connection_) == 0) return await_result;
  }
}

bool PqChannel::Flush() {
  if (usable() && !Exchange(/*await_result=*/false)) GiveUp();
  return usable();
}

PqResult PqChannel::Next() {
  if (!usable()) return nullptr;
  if (!Exchange(/*await_result=*/true)) {
    GiveUp();
    return nullptr;
  }
  return PqResult(PQgetResult(connection_));
}

absl::Status PqChannel::Collect(std::string_view name, PqResult* first) {
  absl::Status status;
  while (PqResult result = Next()) {
    if (!Succeeded(result.get())) {
      if (status.ok()) status = ErrorOf(result.get(), name);
    } else if (first != nullptr && !*first) {
      *first = std::move(result);
    }
  }
  return status.ok() && !usable() ? Lost(name) : status;
}

absl::Status PqChannel::Lost(std::string_view name) {
  return StatusOfSqlstate("", name, "the connection to the database is lost");
}

}  // namespace tidemark::db::internal
