#include "base/db/sql_error.h"

#include <fmt/format.h>

#include <pqxx/pqxx>
#include <string>

#include "absl/strings/cord.h"
#include "base/db/database_metrics.h"

namespace tidemark::db {
namespace {

void Count(ErrorClass which) { DatabaseMetrics::OfProcess().CountError(which); }

constexpr char kSqlstatePayload[] = "tidemark.db/sqlstate";
constexpr char kLostPayload[] = "tidemark.db/connection-lost";

bool HasClass(std::string_view sqlstate, std::string_view prefix) {
  return sqlstate.substr(0, prefix.size()) == prefix;
}

// Connection exceptions, and the backend being shut down, crashed, starting up or dropped.
bool MeansLost(std::string_view sqlstate) {
  return sqlstate.empty() || HasClass(sqlstate, "08") || HasClass(sqlstate, "57P0");
}

absl::StatusCode CodeOf(std::string_view sqlstate) {
  if (MeansLost(sqlstate)) return absl::StatusCode::kUnavailable;
  if (sqlstate == "40003") return absl::StatusCode::kUnknown;  // statement completion unknown
  if (HasClass(sqlstate, "40")) return absl::StatusCode::kAborted;
  if (sqlstate == "55P03") return absl::StatusCode::kAborted;  // lock not available
  if (sqlstate == "23505") return absl::StatusCode::kAlreadyExists;
  if (sqlstate == "23503" || sqlstate == "23001") return absl::StatusCode::kFailedPrecondition;
  if (sqlstate == "23514" || sqlstate == "23502") return absl::StatusCode::kInvalidArgument;
  if (HasClass(sqlstate, "22")) return absl::StatusCode::kInvalidArgument;
  if (sqlstate == "57014") return absl::StatusCode::kDeadlineExceeded;  // statement timeout
  if (HasClass(sqlstate, "53")) return absl::StatusCode::kResourceExhausted;
  return absl::StatusCode::kInternal;
}

// What may be repeated of a server's message: its first line, which names constraints and
// relations; the lines after it (DETAIL) quote values, and so does the first line of data errors.
std::string Safe(std::string_view sqlstate, std::string_view message) {
  if (HasClass(sqlstate, "22")) return "a value was refused";
  message = message.substr(0, message.find('\n'));
  constexpr std::string_view kPrefix = "ERROR:  ";
  if (HasClass(message, kPrefix)) message.remove_prefix(kPrefix.size());
  return std::string(message);
}

absl::Status Make(absl::StatusCode code, std::string_view sqlstate, bool lost,
                  std::string_view name, std::string_view safe_message) {
  absl::Status status(code, sqlstate.empty()
                                ? fmt::format("{}: {}", name, safe_message)
                                : fmt::format("{}: {} ({})", name, safe_message, sqlstate));
  if (!sqlstate.empty()) status.SetPayload(kSqlstatePayload, absl::Cord(std::string(sqlstate)));
  if (lost) status.SetPayload(kLostPayload, absl::Cord());
  return status;
}

}  // namespace

// The kinds of libpqxx stand before their bases, and are translated to the SQLSTATE they stand for:
// several carry none of their own.
absl::Status StatusOfCurrentException(std::string_view name) {
  try {
    throw;
  } catch (const pqxx::in_doubt_error&) {
    Count(ErrorClass::kInDoubt);
    return Make(absl::StatusCode::kUnknown, "", true, name, "connection lost during commit");
  } catch (const pqxx::statement_completion_unknown&) {
    Count(ErrorClass::kInDoubt);
    return Make(absl::StatusCode::kUnknown, "40003", true, name, "completion unknown");
  } catch (const pqxx::deadlock_detected& e) {
    return StatusOfSqlstate("40P01", name, e.what());
  } catch (const pqxx::serialization_failure& e) {
    return StatusOfSqlstate("40001", name, e.what());
  } catch (const pqxx::transaction_rollback& e) {
    return StatusOfSqlstate("40000", name, e.what());
  } catch (const pqxx::too_many_connections& e) {
    return StatusOfSqlstate("53300", name, e.what());
  } catch (const pqxx::broken_connection& e) {
    return StatusOfSqlstate("", name, e.what());
  } catch (const pqxx::unique_violation& e) {
    return StatusOfSqlstate("23505", name, e.what());
  } catch (const pqxx::foreign_key_violation& e) {
    return StatusOfSqlstate("23503", name, e.what());
  } catch (const pqxx::check_violation& e) {
    return StatusOfSqlstate("23514", name, e.what());
  } catch (const pqxx::not_null_violation& e) {
    return StatusOfSqlstate("23502", name, e.what());
  } catch (const pqxx::data_exception& e) {
    return StatusOfSqlstate(e.sqlstate().empty() ? "22000" : e.sqlstate(), name, e.what());
  } catch (const pqxx::sql_error& e) {
    // No SQLSTATE here is an error that libpqxx made up itself: class XX is "internal error".
    return StatusOfSqlstate(e.sqlstate().empty() ? "XX000" : e.sqlstate(), name, e.what());
  } catch (const pqxx::conversion_error&) {
    Count(ErrorClass::kOther);
    return absl::InternalError(fmt::format("{}: a field does not have the type asked for", name));
  } catch (const std::exception& e) {
    Count(ErrorClass::kOther);
    return absl::InternalError(fmt::format("{}: {}", name, Safe("", e.what())));
  }
}

absl::Status StatusOfSqlstate(std::string_view sqlstate, std::string_view name,
                              std::string_view message) {
  Count(ErrorClassOf(sqlstate));
  const absl::StatusCode code = CodeOf(sqlstate);
  const bool lost = MeansLost(sqlstate) || code == absl::StatusCode::kUnknown;
  return Make(code, sqlstate, lost, name, Safe(sqlstate, message));
}

std::string_view SqlstateOf(const absl::Status& status) {
  std::string_view found;
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    if (type != kSqlstatePayload) return;
    if (const auto flat = payload.TryFlat()) found = {flat->data(), flat->size()};
  });
  return found;
}

bool ConnectionIsLost(const absl::Status& status) {
  return status.GetPayload(kLostPayload).has_value();
}

}  // namespace tidemark::db
