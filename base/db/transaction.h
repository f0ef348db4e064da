// The one place that opens transactions.
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/access_scope.h"
#include "base/db/execution_log.h"
#include "base/db/pool.h"
#include "base/db/statement.h"

namespace tidemark::db {

// Bytes as a bytea parameter: a std::string would be cut at its first NUL.
inline pqxx::binarystring Bytea(std::string_view bytes) {
  return pqxx::binarystring(bytes.data(), bytes.size());
}
// The bytes of a bytea field.
inline std::string BytesOf(const pqxx::field& field) {
  const pqxx::binarystring raw(field);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

// An open transaction. Calls throw the exceptions of libpqxx, which RunInTransaction turns into a
// status (base/db/sql_error.h); nothing above base/db catches them.
class Transaction {
 public:
  explicit Transaction(pqxx::connection& connection) : work_(connection) {}

  // Runs a prepared statement of the pool.
  template <class... Args>
  pqxx::result Exec(const Statement& statement, const Args&... args) {
    NoteExecution(statement.name);
    return work_.exec_prepared(statement.name, args...);
  }
  // Widens or narrows what the rest of this transaction may see.
  void SetScope(const AccessScope& scope) { work_.exec(scope.ToSql()); }
  pqxx::work& work() { return work_; }

 private:
  friend absl::Status RunOnce(Pool&, const char*, const AccessScope&, absl::Time,
                              absl::FunctionRef<absl::Status(Transaction&)>);
  pqxx::work work_;
};

// Runs `body` in one transaction under `scope` and commits if it returns OK; otherwise rolls back
// and returns its status. Database errors become statuses by the ladder in sql_error.h; ABORTED
// (serialization failure, deadlock) alone is run again, at most 3 times, so `body` must not keep
// anything from an earlier run. `name` stands in error messages. The rest of `deadline` is the
// statement timeout.
//   UNKNOWN      the connection died inside COMMIT: it may or may not have happened
//   UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, ALREADY_EXISTS, ... as in sql_error.h
absl::Status RunInTransaction(Pool& pool, const char* name, const AccessScope& scope,
                              absl::Time deadline,
                              absl::FunctionRef<absl::Status(Transaction&)> body);

// The same for a body that returns absl::StatusOr<T>.
template <class Body>
auto Transact(Pool& pool, const char* name, const AccessScope& scope, absl::Time deadline,
              Body&& body) -> std::invoke_result_t<Body, Transaction&> {
  using Result = std::invoke_result_t<Body, Transaction&>;
  if constexpr (std::is_same_v<Result, absl::Status>) {
    return RunInTransaction(pool, name, scope, deadline, std::forward<Body>(body));
  } else {
    Result result = absl::InternalError("transaction body did not run");
    absl::Status status =
        RunInTransaction(pool, name, scope, deadline, [&](Transaction& tx) -> absl::Status {
          result = body(tx);
          return result.status();
        });
    if (!status.ok()) return status;
    return result;
  }
}

}  // namespace tidemark::db
