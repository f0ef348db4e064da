#include "store/reader_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/db/access_scope.h"
#include "base/status_macros.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

// A longer wait is taken in slices: an infinite deadline does not fit the steady clock.
constexpr absl::Duration kWaitSlice = absl::Minutes(1);

// A read changes nothing: where a write would be in doubt, asking again is always right.
absl::Status ForReading(absl::Status status) {
  if (absl::IsUnknown(status)) {
    return absl::UnavailableError("the database connection was lost while reading");
  }
  return status;
}

}  // namespace

ReaderPool::ReaderPool(ReaderPoolOptions options)
    : options_(std::move(options)),
      readings_(options_.application_name, options_.connections_max, [this] { return Look(); }) {}
ReaderPool::~ReaderPool() = default;

absl::StatusOr<ReaderPool::Connection> ReaderPool::Acquire(absl::Time deadline) {
  MutexLock lock(mutex_);
  while (true) {
    if (!idle_.empty()) {
      Connection connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    if (open_ < options_.connections_max) {
      ++open_;
      return Connection();
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::ResourceExhaustedError("every reading connection is in use");
    }
    ++waiting_;
    room_.WaitUntil(mutex_, std::chrono::steady_clock::now() +
                                absl::ToChronoNanoseconds(std::min(left, kWaitSlice)));
    --waiting_;
  }
}

db::PoolReadings::Now ReaderPool::Look() {
  MutexLock lock(mutex_);
  return {open_ - idle_.size(), waiting_};
}

void ReaderPool::Return(Connection connection) {
  const bool keep = connection != nullptr && connection->healthy();
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

absl::StatusOr<std::vector<db::BinaryResult>> ReaderPool::RunOnce(
    ParticipantId participant, std::span<const db::PipelineConnection::Step> steps,
    absl::Time deadline, bool* reused) {
  const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
  if (left_ms <= 0) return absl::DeadlineExceededError("no time left to read");
  TM_ASSIGN_OR_RETURN(Connection connection, Acquire(deadline));
  *reused = connection != nullptr;
  if (connection == nullptr) {
    auto opened = db::PipelineConnection::Connect({
        .dsn = options_.dsn,
        .application_name = options_.application_name,
        .statement_timeout_ms = options_.statement_timeout_ms,
        .connect_deadline = deadline,
        .statements = {sql::kAllStatements},
    });
    if (!opened.ok()) {
      Return(nullptr);
      return opened.status();
    }
    connection = *std::move(opened);
  }
  const std::string begin = fmt::format(
      "begin isolation level repeatable read read only; set local statement_timeout = {}; {}",
      std::min(left_ms, options_.statement_timeout_ms),
      db::AccessScope::Participant(participant).ToSql());
  auto results = connection->RunTransaction(begin, steps);
  Return(std::move(connection));
  if (!results.ok()) return ForReading(results.status());
  return results;
}

absl::StatusOr<std::vector<db::BinaryResult>> ReaderPool::QueryEach(
    ParticipantId participant, const db::Statement& statement,
    std::span<const db::BinaryParams> params, absl::Time deadline) {
  std::vector<db::PipelineConnection::Step> steps;
  steps.reserve(params.size());
  for (const db::BinaryParams& one : params) steps.push_back({&statement, &one});
  return QueryTogether(participant, steps, deadline);
}

absl::StatusOr<std::vector<db::BinaryResult>> ReaderPool::QueryTogether(
    ParticipantId participant, std::span<const db::PipelineConnection::Step> steps,
    absl::Time deadline) {
  while (true) {
    bool reused = false;
    auto results = RunOnce(participant, steps, deadline, &reused);
    // A connection that lay idle may have died since. Each such try drops one, so this ends.
    if (results.ok() || !reused || !absl::IsUnavailable(results.status())) return results;
  }
}

absl::StatusOr<db::BinaryResult> ReaderPool::Query(ParticipantId participant,
                                                   const db::Statement& statement,
                                                   const db::BinaryParams& params,
                                                   absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(std::vector<db::BinaryResult> results,
                      QueryEach(participant, statement, std::span(&params, 1), deadline));
  return std::move(results.front());
}

}  // namespace tidemark::store
