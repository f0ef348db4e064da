#include "base/db/pool.h"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "base/db/conninfo.h"
#include "base/db/sql_error.h"
#include "base/status_macros.h"

namespace tidemark::db {
namespace {

// A longer wait is taken in slices: an infinite deadline does not fit the steady clock.
constexpr absl::Duration kWaitSlice = absl::Minutes(1);

// True when the server closed an idle connection (a restart, pg_terminate_backend): nothing else
// makes the socket of an idle session readable. Costs one system call and saves the caller an
// error.
bool IsStale(const pqxx::connection& connection) {
  pollfd socket{connection.sock(), POLLIN, 0};
  return !connection.is_open() || poll(&socket, 1, 0) != 0;
}

void Prepare(pqxx::connection& connection, const Statement& statement) {
  connection.prepare(statement.name, statement.text);
  connection.prepare_now(statement.name);  // prepare() alone would accept wrong SQL until first use
}

}  // namespace

Pool::Lease::Lease(Pool* pool, std::unique_ptr<pqxx::connection> connection)
    : pool_(pool), connection_(std::move(connection)) {}

Pool::Lease::Lease(Lease&&) noexcept = default;

Pool::Lease::~Lease() {
  if (connection_) pool_->Return(std::move(connection_), broken_);
}

Pool::Pool(PoolOptions options)
    : options_(std::move(options)),
      readings_(options_.application_name, options_.connections_max, [this] { return Look(); }) {}

Pool::~Pool() = default;

absl::StatusOr<Pool::Lease> Pool::Acquire(absl::Time deadline) {
  std::vector<std::unique_ptr<pqxx::connection>> stale;  // closed outside the lock
  {
    MutexLock lock(mutex_);
    while (true) {
      while (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        if (!IsStale(*connection)) return Lease(this, std::move(connection));
        stale.push_back(std::move(connection));
        --open_;
      }
      if (open_ < options_.connections_max) break;
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return absl::ResourceExhaustedError("every connection to the database is in use");
      }
      ++waiting_;
      room_.WaitUntil(mutex_, std::chrono::steady_clock::now() +
                                  absl::ToChronoNanoseconds(std::min(left, kWaitSlice)));
      --waiting_;
    }
    ++open_;  // the place is ours while we connect
  }
  auto connection = Connect(deadline);
  if (!connection.ok()) {
    {
      MutexLock lock(mutex_);
      --open_;
    }
    room_.NotifyOne();
    return connection.status();
  }
  return Lease(this, *std::move(connection));
}

absl::StatusOr<std::unique_ptr<pqxx::connection>> Pool::Connect(absl::Time deadline) const {
  const SessionOptions session{
      .application_name = options_.application_name,
      .statement_timeout_ms = absl::ToInt64Milliseconds(options_.statement_timeout),
      .connect_deadline = deadline};
  TM_ASSIGN_OR_RETURN(const std::string dsn, SessionDsn(options_.dsn, session));
  const char* step = "connect";
  try {
    auto connection = std::make_unique<pqxx::connection>(dsn);
    for (const auto statements : options_.statements) {
      for (const Statement& statement : statements) {
        step = statement.name;
        Prepare(*connection, statement);
      }
    }
    return connection;
  } catch (...) {
    return StatusOfCurrentException(step);
  }
}

PoolReadings::Now Pool::Look() {
  MutexLock lock(mutex_);
  return {open_ - idle_.size(), waiting_};
}

void Pool::Return(std::unique_ptr<pqxx::connection> connection, bool broken) {
  const bool keep = !broken && connection->is_open();
  {
    MutexLock lock(mutex_);
    if (keep) {
      idle_.push_back(std::move(connection));
    } else {
      --open_;
    }
  }
  room_.NotifyOne();
}

}  // namespace tidemark::db
