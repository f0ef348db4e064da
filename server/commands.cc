#include "server/commands.h"

#include <fmt/format.h>

#include <filesystem>

#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/db/migrator.h"
#include "base/db/pool.h"
#include "base/log.h"
#include "base/rpc/policy.h"
#include "base/status_macros.h"
#include "migrations/migrations.h"
#include "server/files.h"
#include "server/roles.h"
#include "study/bootstrap.h"
#include "study/sql.h"

namespace tidemark::server {
namespace {

constexpr absl::Duration kBootstrapMost = absl::Seconds(30);

absl::Status MigrateKeyStore(const Config& config) {
  const std::string& owner = config.key_store_owner_dsn;
  TM_ASSIGN_OR_RETURN(const db::MigrationReport report,
                      db::Migrate(owner.empty() ? config.key_store : owner, migrations::kKeyStore));
  LogInfo("{} migrations applied, the database of keys is at version {}", report.applied.size(),
          report.version);
  return absl::OkStatus();
}

}  // namespace

absl::Status Migrate(const Config& config) {
  const std::string& dsn = config.owner_dsn.empty() ? config.dsn : config.owner_dsn;
  TM_ASSIGN_OR_RETURN(const db::MigrationReport report, db::Migrate(dsn, migrations::kAll));
  LogInfo("{} migrations applied, the database is at version {}", report.applied.size(),
          report.version);
  return config.key_store == kKeysInFolder ? absl::OkStatus() : MigrateKeyStore(config);
}

absl::Status BootstrapOperator(const Config& config, const std::string& file) {
  db::Pool pool({.dsn = DsnOf(config.dsn, config.app_user),
                 .application_name = "tidemark-bootstrap",
                 .connections_max = 1,
                 .statements = {study::sql::kAllStatements}});
  const bool kept = std::filesystem::exists(file);
  const absl::Status made = study::CreateFirstOperator(
      pool, Clock::Real(), absl::Now() + kBootstrapMost,
      [&](const std::string& token) { return WritePrivateFile(file, token + "\n"); });
  if (absl::IsFailedPrecondition(made) && kept) {
    LogInfo("there is an operator already; nothing was done");
    return absl::OkStatus();
  }
  return made;
}

absl::StatusOr<std::string> PrintAccess() {
  TM_ASSIGN_OR_RETURN(const rpc::PolicyTable policies,
                      rpc::PolicyTable::Load(ServicesOf({"study", "ingest", "signal"})));
  return "# Who may call what\n\n"
         "Made by `tidemarkd --print-access` from the options of the methods in\n"
         "`proto/tidemark/v1`; a test compares it with what the server does.\n\n" +
         policies.ToMarkdown();
}

}  // namespace tidemark::server
