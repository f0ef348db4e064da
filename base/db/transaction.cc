#include "base/db/transaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <random>

#include "absl/time/clock.h"
#include "base/db/sql_error.h"
#include "base/status_macros.h"

namespace tidemark::db {
namespace {

constexpr int kRerunsMax = 3;
// Two transactions that met in a deadlock must not meet again in step.
constexpr int kRerunPauseMsMax = 10;

// The rest of the deadline in whole milliseconds, at least one; nothing for an infinite one, which
// leaves the timeout of the session in force.
std::string TimeoutSql(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return "";
  const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
  const int64_t timeout_ms = std::clamp<int64_t>(left_ms, 1, std::numeric_limits<int32_t>::max());
  return fmt::format("set local statement_timeout = {}; ", timeout_ms);
}

bool MayRunAgain(const absl::Status& status) {
  return absl::IsAborted(status) && !SqlstateOf(status).empty();
}

void PauseBeforeRerun() {
  thread_local std::minstd_rand random(std::random_device{}());
  absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution(1, kRerunPauseMsMax)(random)));
}

}  // namespace

// One run: lease, BEGIN, timeout and scope, body, COMMIT. A connection whose state is in doubt does
// not go back to the pool.
absl::Status RunOnce(Pool& pool, const char* name, const AccessScope& scope, absl::Time deadline,
                     absl::FunctionRef<absl::Status(Transaction&)> body) {
  if (absl::Now() >= deadline) {
    return absl::DeadlineExceededError(fmt::format("{}: no time left to start", name));
  }
  TM_ASSIGN_OR_RETURN(Pool::Lease lease, pool.Acquire(deadline));
  absl::Status status;
  try {
    Transaction tx(*lease);
    tx.work_.exec(TimeoutSql(deadline) + scope.ToSql());
    status = body(tx);
    if (status.ok()) tx.work_.commit();
  } catch (...) {
    status = StatusOfCurrentException(name);
    if (ConnectionIsLost(status)) lease.MarkBroken();
  }
  return status;
}

absl::Status RunInTransaction(Pool& pool, const char* name, const AccessScope& scope,
                              absl::Time deadline,
                              absl::FunctionRef<absl::Status(Transaction&)> body) {
  absl::Status status = RunOnce(pool, name, scope, deadline, body);
  for (int rerun = 0; rerun < kRerunsMax && MayRunAgain(status); ++rerun) {
    PauseBeforeRerun();
    status = RunOnce(pool, name, scope, deadline, body);
  }
  return status;
}

}  // namespace tidemark::db
