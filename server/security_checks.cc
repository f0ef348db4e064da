#include "server/security_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/db/transaction.h"
#include "base/loopback.h"
#include "base/status_macros.h"
#include "server/database_checks.h"
#include "server/key_store_checks.h"
#include "server/sql.h"
#include "study/fields.h"
#include "study/receipt_keys.h"
#include "study/restore_marks.h"

namespace tidemark::server {
namespace {

constexpr absl::Duration kErasureMost = absl::Hours(1);
constexpr absl::Duration kReceiptKeyAgeMost = absl::Hours(24 * 400);
// How long before its token ends somebody should have entered a program anew.
constexpr absl::Duration kTokenEndNotice = absl::Hours(24 * 30);
constexpr char kEnterProgramAnew[] =
    "an admin enters the program anew (`tidemark service create`), gives it the new token, and "
    "takes the role of the old one (`tidemark role remove`)";

// What a check found: the state, and what to do about it.
struct Finding {
  v1::CheckState state = v1::CHECK_STATE_OK;
  std::string detail;
};

Finding Good(std::string detail) { return {v1::CHECK_STATE_OK, std::move(detail)}; }
Finding Weak(std::string detail) { return {v1::CHECK_STATE_WARNING, std::move(detail)}; }
Finding Bad(std::string detail) { return {v1::CHECK_STATE_FAILED, std::move(detail)}; }
Finding NotMade(const absl::Status& why) {
  return Bad(fmt::format("could not be checked: {}", std::string(why.message())));
}

using Settings = std::map<std::string, std::string>;

int64_t NumberOf(const Settings& settings, const char* name) {
  const auto found = settings.find(name);
  return found == settings.end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
}

bool IsOff(const Settings& settings, const char* name) {
  const auto found = settings.find(name);
  return found == settings.end() || found->second == "off";
}

Finding Durability(const Settings& settings, bool unsafe) {
  std::vector<std::string> off;
  for (const char* name : {"fsync", "full_page_writes", "synchronous_commit"}) {
    if (IsOff(settings, name)) off.emplace_back(name);
  }
  if (!off.empty()) {
    return Bad(fmt::format("the database may lose what it has committed: turn on {}",
                           fmt::join(off, ", ")));
  }
  if (unsafe) return Bad("--unsafe-durability is for tests: start the server without it");
  return Good("a commit is on disk");
}

Finding Checksums(const Settings& settings) {
  return IsOff(settings, "data_checksums")
             ? Weak("pages have no checksums: stop the database and run pg_checksums --enable")
             : Good("pages have checksums");
}

// Parameters hold names, codes and hashes of tokens. They are logged with statements that are
// logged because of what they are or how long they took, and with errors.
Finding StatementLog(const Settings& settings) {
  const auto statement = settings.find("log_statement");
  const bool logs_statements = (statement != settings.end() && statement->second != "none") ||
                               NumberOf(settings, "log_min_duration_statement") >= 0 ||
                               NumberOf(settings, "log_min_duration_sample") >= 0;
  if (logs_statements && NumberOf(settings, "log_parameter_max_length") != 0) {
    return Bad("the database logs the parameters of statements: set log_parameter_max_length = 0");
  }
  if (NumberOf(settings, "log_parameter_max_length_on_error") != 0) {
    return Bad(
        "the database logs the parameters of statements that fail: set "
        "log_parameter_max_length_on_error = 0");
  }
  return Good("the database logs no parameters");
}

absl::StatusOr<Settings> ReadSettings(db::Pool& pool, absl::Time deadline) {
  return db::Transact(pool, "list_security_settings", db::AccessScope::None(), deadline,
                      [](db::Transaction& tx) -> absl::StatusOr<Settings> {
                        Settings settings;
                        for (const pqxx::row& row : tx.Exec(sql::kListSecuritySettings)) {
                          settings[row["name"].c_str()] = row["setting"].c_str();
                        }
                        return settings;
                      });
}

Finding Roles(const Config& config, absl::Time deadline) {
  std::vector<std::pair<std::string, std::string>> roles = {{config.dsn, config.app_user},
                                                            {config.dsn, config.ingest_user},
                                                            {config.dsn, config.read_user}};
  if (config.key_store != kKeysInFolder) roles.emplace_back(config.key_store, config.keys_user);
  for (const auto& [dsn, user] : roles) {
    db::Pool pool({.dsn = DsnOf(dsn, user),
                   .application_name = "tidemark-check",
                   .connections_max = 1,
                   .statements = {std::span(&sql::kDescribeRole, 1)}});
    if (const absl::Status status = CheckRole(pool, deadline); !status.ok()) {
      return Bad(std::string(status.message()));
    }
  }
  return Good(
      "no role of the server is a superuser, owns tables or goes around row-level security");
}

Finding RowSecurity(db::Pool& pool, absl::Time deadline) {
  std::vector<std::string> open;
  const absl::Status status =
      db::Transact(pool, "list_unforced_tables", db::AccessScope::None(), deadline,
                   [&](db::Transaction& tx) -> absl::Status {
                     open.clear();
                     for (const pqxx::row& row : tx.Exec(sql::kListUnforcedTables)) {
                       open.emplace_back(row[0].c_str());
                     }
                     return absl::OkStatus();
                   });
  if (!status.ok()) return NotMade(status);
  if (open.empty()) return Good("row-level security is forced on every participant table");
  return Bad(
      fmt::format("row-level security is not forced on {}: alter table ... enable, force row "
                  "level security, with the policy of migrations/schema.sql",
                  fmt::join(open, ", ")));
}

Finding Transport(db::Pool& pool, absl::Time deadline) {
  bool is_open = false;
  const absl::Status status =
      db::Transact(pool, "describe_transport", db::AccessScope::None(), deadline,
                   [&](db::Transaction& tx) -> absl::Status {
                     const pqxx::row row = tx.Exec(sql::kDescribeTransport)[0];
                     is_open = row["crosses_network"].as<bool>() && !row["is_encrypted"].as<bool>();
                     return absl::OkStatus();
                   });
  if (!status.ok()) return NotMade(status);
  if (is_open)
    return Bad("the connection to the database is not encrypted: add sslmode=verify-full");
  return Good("the connection to the database is encrypted or stays on this machine");
}

Finding Port(const Config& config) {
  if (!config.tls_cert.empty()) return Good("the port speaks TLS");
  if (IsLoopbackAddress(config.listen)) return Good("the port is reached from this machine only");
  return Bad(
      "the port is reached from other machines and does not speak TLS: give --tls-cert and "
      "--tls-key, or listen on loopback behind the edge");
}

Finding KeyFiles(const absl::StatusOr<store::KeyStoreFacts>& facts) {
  if (!facts.ok()) return NotMade(facts.status());
  if (!facts->exposure.empty()) return Bad(facts->exposure);
  return Good("only the server's user reads the keys");
}

Finding Kek(const absl::StatusOr<store::KeyStoreFacts>& facts) {
  if (!facts.ok()) return NotMade(facts.status());
  if (facts->keks > 1) {
    return Weak("a rotation of the key-encryption key has not ended: run `tidemark key rotate`");
  }
  if (facts->kek_is_beside_keys) {
    return Weak(
        "the key-encryption key lies beside the keys, and every copy of the folder holds both: "
        "move "
        "it and name it with --kek");
  }
  return Good("the key-encryption key lies apart from the keys");
}

// Looks and changes nothing: the beat is left to the minute.
Finding Restore(const study::Context& context, const IngestGate& gate, absl::Time deadline) {
  const absl::StatusOr<store::RestoreMark> keys = context.keys->ReadRestoreMark();
  if (!keys.ok()) return NotMade(keys.status());
  const absl::StatusOr<store::RestoreMark> database =
      study::ReadRestoreMark(*context.pool, deadline);
  if (!database.ok()) return NotMade(database.status());
  if (study::IsBehind(*database, *keys)) {
    return Bad(
        "the database was restored from a backup and takes no ingest: check it, then run `tidemark "
        "admin restored`");
  }
  if (const absl::Status refusal = gate.refusal(); !refusal.ok()) {
    return Bad(fmt::format("ingest is refused: {}", std::string(refusal.message())));
  }
  return Good("the database is as new as the key store");
}

Finding KeyStoreMatch(const study::Context& context, absl::Time deadline) {
  const absl::Status status = CheckKeyStore(*context.pool, *context.keys, deadline);
  return status.ok() ? Good("the key store belongs to the database")
                     : Bad(std::string(status.message()));
}

Finding ReceiptKeyAge(const study::Context& context, absl::Time deadline) {
  const auto keys = study::ListReceiptKeys(*context.pool, deadline);
  if (!keys.ok()) return NotMade(keys.status());
  for (const v1::ReceiptKey& key : *keys) {
    if (key.has_valid_until()) continue;
    const absl::Duration age =
        context.clock->Now() - absl::FromUnixSeconds(key.valid_from().seconds());
    const int64_t days = age / absl::Hours(24);
    if (age > kReceiptKeyAgeMost) {
      return Weak(
          fmt::format("the key that signs receipts is {} days old: docs/operation.md says "
                      "how to take a new one",
                      days));
    }
    return Good(fmt::format("the key that signs receipts is {} days old", days));
  }
  return Weak("no key signs receipts");
}

Finding Disk(const DatabaseWatch& watch) {
  DiskFinding found = FindDisk(watch.facts());
  return {found.state, std::move(found.detail)};
}

struct Debts {
  int64_t unsigned_studies = 0;
  int64_t open_erasures = 0;
  int64_t stuck_erasures = 0;
  int64_t endless_tokens = 0;      // of people
  int64_t old_program_tokens = 0;  // that never end
  int64_t expiring_program_tokens = 0;
};

// Yesterday's evidence is signed yesterday or, after a night without servers, today.
absl::StatusOr<Debts> CountDebts(const study::Context& context, absl::Time deadline) {
  const absl::Time now = context.clock->Now();
  const int64_t yesterday = absl::ToUnixSeconds(now) / 86'400 - 1;
  const int64_t yesterday_us = yesterday * 86'400 * 1'000'000;
  return db::Transact(*context.pool, "count_security_debts", db::AccessScope::None(), deadline,
                      [&](db::Transaction& tx) -> absl::StatusOr<Debts> {
                        const pqxx::row row =
                            tx.Exec(sql::kCountSecurityDebts, yesterday, yesterday_us,
                                    absl::ToUnixMicros(now - kErasureMost), absl::ToUnixMicros(now),
                                    absl::ToUnixMicros(now - study::kServiceTokenLife),
                                    absl::ToUnixMicros(now + kTokenEndNotice))[0];
                        const auto count = [&](const char* name) {
                          return row[name].as<int64_t>();
                        };
                        return Debts{.unsigned_studies = count("unsigned_studies"),
                                     .open_erasures = count("open_erasures"),
                                     .stuck_erasures = count("stuck_erasures"),
                                     .endless_tokens = count("endless_tokens"),
                                     .old_program_tokens = count("old_program_tokens"),
                                     .expiring_program_tokens = count("expiring_program_tokens")};
                      });
}

Finding Evidence(const absl::StatusOr<Debts>& debts) {
  if (!debts.ok()) return NotMade(debts.status());
  if (debts->unsigned_studies == 0) return Good("the evidence is signed");
  return Bad(
      fmt::format("the evidence of {} studies was not signed since yesterday began: the log of "
                  "the server with the ingest role says why",
                  debts->unsigned_studies));
}

Finding Erasures(const absl::StatusOr<Debts>& debts) {
  if (!debts.ok()) return NotMade(debts.status());
  if (debts->open_erasures == 0) return Good("no erasure waits");
  if (debts->stuck_erasures == 0) {
    return Good(fmt::format("{} erasures are under way", debts->open_erasures));
  }
  return Bad(
      fmt::format("{} erasures are open for more than an hour: `tidemark participant erasures` "
                  "names them, the log says why",
                  debts->stuck_erasures));
}

// Programs make no tokens: an admin makes the program anew.
Finding Tokens(const absl::StatusOr<Debts>& debts) {
  if (!debts.ok()) return NotMade(debts.status());
  std::vector<std::string> advice;
  if (debts->endless_tokens > 0) {
    advice.push_back(
        fmt::format("{} tokens of people never end: their owners should make one that does "
                    "(`tidemark token create`) and revoke the old one",
                    debts->endless_tokens));
  }
  if (debts->old_program_tokens > 0) {
    advice.push_back(fmt::format("{} tokens of programs are older than {} days and never end: {}",
                                 debts->old_program_tokens,
                                 study::kServiceTokenLife / absl::Hours(24), kEnterProgramAnew));
  }
  if (debts->expiring_program_tokens > 0) {
    advice.push_back(fmt::format("{} tokens of programs end within {} days: {}",
                                 debts->expiring_program_tokens, kTokenEndNotice / absl::Hours(24),
                                 kEnterProgramAnew));
  }
  if (advice.empty()) return Good("every token ends, and none of a program soon");
  return Weak(fmt::format("{}", fmt::join(advice, "; ")));
}

}  // namespace

v1::CheckSecurityResponse SecurityChecks::Run(absl::Time deadline) const {
  db::Pool& pool = *context_.pool;
  const absl::StatusOr<Settings> settings = ReadSettings(pool, deadline);
  const absl::StatusOr<store::KeyStoreFacts> facts = context_.keys->Inspect();
  const absl::StatusOr<Debts> debts = CountDebts(context_, deadline);
  const auto by_settings = [&](auto check) {
    return settings.ok() ? check(*settings) : NotMade(settings.status());
  };
  const std::pair<const char*, Finding> findings[] = {
      {"database.roles", Roles(config_, deadline)},
      {"database.row_security", RowSecurity(pool, deadline)},
      {"database.durability", by_settings([&](const Settings& all) {
         return Durability(all, config_.unsafe_durability);
       })},
      {"database.checksums", by_settings(Checksums)},
      {"database.log", by_settings(StatementLog)},
      {"database.transport", Transport(pool, deadline)},
      {"database.disk", Disk(watch_)},
      {"database.restore", Restore(context_, gate_, deadline)},
      {"keys.store", KeyStoreMatch(context_, deadline)},
      {"keys.files", KeyFiles(facts)},
      {"keys.encryption_key", Kek(facts)},
      {"keys.receipt_key", ReceiptKeyAge(context_, deadline)},
      {"server.port", Port(config_)},
      {"access.tokens", Tokens(debts)},
      {"evidence.signed", Evidence(debts)},
      {"erasures.done", Erasures(debts)}};
  v1::CheckSecurityResponse response;
  for (const auto& [name, finding] : findings) {
    v1::SecurityCheck& check = *response.add_checks();
    check.set_name(name);
    check.set_state(finding.state);
    check.set_detail(finding.detail);
  }
  *response.mutable_checked_at() = study::TimestampOfUs(study::NowUs(*context_.clock));
  return response;
}

}  // namespace tidemark::server
