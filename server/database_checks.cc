#include "server/database_checks.h"

#include <fmt/format.h>

#include "base/db/transaction.h"
#include "server/sql.h"

namespace tidemark::server {
namespace {

constexpr int kMonthsAhead = 2;

template <class Body>
absl::Status Look(db::Pool& pool, const char* name, absl::Time deadline, Body&& body) {
  return db::RunInTransaction(pool, name, db::AccessScope::None(), deadline,
                              [&](db::Transaction& tx) -> absl::Status { return body(tx); });
}

}  // namespace

absl::Status CheckRole(db::Pool& pool, absl::Time deadline) {
  return Look(pool, "describe_role", deadline, [](db::Transaction& tx) -> absl::Status {
    const pqxx::result rows = tx.Exec(sql::kDescribeRole);
    if (rows.empty()) return absl::FailedPreconditionError("the database role is not known");
    const pqxx::row row = rows[0];
    const char* fault = row["rolsuper"].as<bool>()       ? "is a superuser"
                        : row["rolbypassrls"].as<bool>() ? "bypasses row-level security"
                        : row["is_owner"].as<bool>()     ? "owns tables"
                                                         : nullptr;
    if (fault == nullptr) return absl::OkStatus();
    return absl::FailedPreconditionError(
        fmt::format("the database role {} {}: the server needs one that does not",
                    row["rolname"].c_str(), fault));
  });
}

absl::Status CheckDurability(db::Pool& pool, absl::Time deadline) {
  return Look(pool, "list_unsafe_settings", deadline, [](db::Transaction& tx) -> absl::Status {
    std::string off;
    for (const pqxx::row& row : tx.Exec(sql::kListUnsafeSettings)) {
      off += fmt::format("{}{}", off.empty() ? "" : ", ", row["name"].c_str());
    }
    if (off.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        fmt::format("the database may lose what it has committed: {} is off", off));
  });
}

absl::Status EnsurePartitions(db::Pool& pool, absl::Time deadline) {
  return Look(pool, "ensure_partitions", deadline, [](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kEnsurePartitions, kMonthsAhead);
    return absl::OkStatus();
  });
}

absl::Status Probe(db::Pool& pool, absl::Time deadline) {
  return Look(pool, "probe", deadline, [](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kProbe);
    return absl::OkStatus();
  });
}

}  // namespace tidemark::server
