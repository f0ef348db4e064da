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
#include "server/server_metrics.h"
#include "store/sealer/sealer.h"
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

absl::StatusOr<std::string> PrintBacklog(const Config& config) {
  sealer::SealerOptions options;
  options.store.dsn = DsnOf(config.dsn, config.app_user);
  options.clock = &Clock::Real();
  TM_ASSIGN_OR_RETURN(const sealer::SealBacklog backlog, sealer::Sealer(options).Backlog());
  return fmt::format(
      "live_streams {}\nlive_segments {}\nlive_bytes {}\noldest_seconds {}\nfaulty_segments {}\n",
      backlog.streams, backlog.segments, backlog.bytes, absl::ToInt64Seconds(backlog.oldest),
      backlog.faults);
}

std::string PrintMetrics() {
  MakeAllMetrics();
  std::string page =
      "# What a server counts\n\n"
      "Made by `tidemarkd --print-metrics`; a test compares. Served at `/metrics` of "
      "`--metrics-listen`. No\nlabel tells a participant, a device or a study.\n\n"
      "| metric | type | label | what it is |\n|---|---|---|---|\n";
  for (const metrics::Listed& metric : metrics::Registry::OfProcess().List()) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", metric.name, metric.type, metric.label,
                        metric.help);
  }
  return page;
}

}  // namespace tidemark::server
