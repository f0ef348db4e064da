#include "base/db/database_metrics.h"

#include <utility>

namespace tidemark::db {
namespace {

constexpr char kPoolLabel[] = "pool";

bool IsOf(std::string_view sqlstate, std::string_view prefix) {
  return sqlstate.starts_with(prefix);
}

}  // namespace

ErrorClass ErrorClassOf(std::string_view sqlstate) {
  if (sqlstate.empty() || IsOf(sqlstate, "08") || IsOf(sqlstate, "57P0")) {
    return ErrorClass::kConnection;
  }
  if (sqlstate == "40003") return ErrorClass::kInDoubt;
  if (IsOf(sqlstate, "40") || sqlstate == "55P03") return ErrorClass::kContention;
  if (sqlstate == "57014") return ErrorClass::kTimeout;
  if (IsOf(sqlstate, "53")) return ErrorClass::kRoom;
  if (IsOf(sqlstate, "23")) return ErrorClass::kConstraint;
  if (IsOf(sqlstate, "22") || IsOf(sqlstate, "54")) return ErrorClass::kValue;
  return ErrorClass::kOther;
}

DatabaseMetrics::DatabaseMetrics(metrics::Registry& registry)
    : errors(registry.AddCounters(
          {"tidemark_database_errors_total",
           "Errors of the database and of connections to it, also those that were tried again."},
          "class",
          {"connection", "in_doubt", "contention", "timeout", "room", "constraint", "value",
           "other"})),
      connections_in_use(registry.AddReading(
          {"tidemark_database_connections_in_use", "Connections of a pool that are lent out."},
          kPoolLabel)),
      connections_max(registry.AddReading(
          {"tidemark_database_connections_max", "Connections that a pool may have."}, kPoolLabel)),
      waiting(registry.AddReading(
          {"tidemark_database_connections_waiting", "Threads that wait for a connection."},
          kPoolLabel)) {}

DatabaseMetrics& DatabaseMetrics::OfProcess() {
  static DatabaseMetrics& metrics = *new DatabaseMetrics(metrics::Registry::OfProcess());
  return metrics;
}

PoolReadings::PoolReadings(const std::string& name, size_t connections_max,
                           std::function<Now()> now)
    : sources_{DatabaseMetrics::OfProcess().connections_in_use.Add(
                   name, [now] { return static_cast<double>(now().in_use); }),
               DatabaseMetrics::OfProcess().waiting.Add(
                   name, [now] { return static_cast<double>(now().waiting); }),
               DatabaseMetrics::OfProcess().connections_max.Add(
                   name, [connections_max] { return static_cast<double>(connections_max); })} {}

}  // namespace tidemark::db
