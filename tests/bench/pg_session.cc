#include "tests/bench/pg_session.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/status_macros.h"

namespace tidemark::bench {

bool IsGood(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
    case PGRES_COPY_IN:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<PgSession> PgSession::Connect(const std::string& dsn) {
  PgSession session(PQconnectdb(dsn.c_str()));
  if (PQstatus(session.raw()) != CONNECTION_OK) {
    return absl::UnavailableError(PQerrorMessage(session.raw()));
  }
  return session;
}

absl::Status PgSession::Fault() const {
  return absl::InternalError(fmt::format("PostgreSQL: {}", PQerrorMessage(raw())));
}

absl::Status PgSession::Run(const std::string& sql) {
  const PgResult result(PQexec(raw(), sql.c_str()));
  return IsGood(result.get()) ? absl::OkStatus() : Fault();
}

absl::StatusOr<int64_t> PgSession::Number(const std::string& sql) {
  const PgResult result(PQexec(raw(), sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return Fault();
  if (PQntuples(result.get()) != 1) return absl::InternalError("a query has not one answer");
  return std::strtoll(PQgetvalue(result.get(), 0, 0), nullptr, 10);
}

absl::Status PgSession::Collect() {
  absl::Status status;
  while (const PgResult result{PQgetResult(raw())}) {
    if (!IsGood(result.get())) status = Fault();
  }
  return status;
}

}  // namespace tidemark::bench
