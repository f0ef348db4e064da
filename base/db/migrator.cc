#include "base/db/migrator.h"

#include <fmt/format.h>

#include <pqxx/pqxx>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/base64.h"
#include "base/crypto.h"
#include "base/db/conninfo.h"
#include "base/db/execution_log.h"
#include "base/db/sql.h"
#include "base/db/sql_error.h"
#include "base/status_macros.h"

namespace tidemark::db {
namespace {

// Identifies the migration lock among the advisory locks of a database.
constexpr int64_t kLockKey = 0x7469'6465'6d61'726b;
// How long one migrator waits for another one to finish, and how often it asks.
constexpr absl::Duration kLockWaitMax = absl::Minutes(10);
constexpr absl::Duration kLockPoll = absl::Milliseconds(20);

constexpr std::string_view kNoTransaction = "-- no-transaction";

// Readable by every role: each server process checks at start that it fits the database.
constexpr char kCreateTable[] = R"sql(
create table if not exists schema_migration (
  version    int primary key,
  name       text not null,
  sha256     bytea not null,
  applied_at timestamptz not null
);
grant select on schema_migration to public;
)sql";

std::string DigestOf(const Migration& migration) {
  return HexEncode(AsView(Sha256(migration.text)));
}

std::string Title(const Migration& migration) {
  return fmt::format("migration {:04} {}", migration.version, migration.name);
}

// One session that looks at or changes the migrations of a database.
class Session {
 public:
  // Migrations may take hours: the statement timeout of the owner's session is off.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const std::string& dsn) {
    TM_ASSIGN_OR_RETURN(
        const std::string session_dsn,
        SessionDsn(dsn, {.application_name = "tidemark-migrator", .statement_timeout_ms = 0}));
    try {
      return std::make_unique<Session>(session_dsn);
    } catch (...) {
      return StatusOfCurrentException("connect");
    }
  }

  explicit Session(const std::string& dsn) : connection_(dsn) {
    for (const Statement& statement : sql::kAllStatements) {
      connection_.prepare(statement.name, statement.text);  // lazily: the table may not exist yet
    }
  }

  // Held until the session ends. Asking repeatedly, not waiting inside a statement: a waiting
  // statement holds a snapshot, and CREATE INDEX CONCURRENTLY waits for every snapshot.
  absl::Status Lock() {
    const absl::Time give_up = absl::Now() + kLockWaitMax;
    while (true) {
      if (TryLock()) return absl::OkStatus();
      if (absl::Now() >= give_up) {
        return absl::DeadlineExceededError("another migrator holds the lock of this database");
      }
      absl::SleepFor(kLockPoll);
    }
  }

  void CreateTable() {
    pqxx::work tx(connection_);
    tx.exec(kCreateTable);
    tx.commit();
  }

  bool HasTable() {
    pqxx::read_transaction tx(connection_);
    return !tx.exec1("select to_regclass('schema_migration')")[0].is_null();
  }

  // The number of applied migrations, or FAILED_PRECONDITION when they are not a prefix of ours.
  absl::StatusOr<size_t> CountApplied(std::span<const Migration> migrations) {
    pqxx::read_transaction tx(connection_);
    NoteExecution(sql::kListMigrations.name);
    const pqxx::result applied = tx.exec_prepared(sql::kListMigrations.name);
    for (size_t i = 0; i < applied.size(); ++i) {
      const pqxx::row row = applied[static_cast<pqxx::result::size_type>(i)];
      if (i >= migrations.size()) {
        return absl::FailedPreconditionError(
            fmt::format("the database is at migration {}, newer than this binary, which knows {}",
                        applied.back()[0].as<int>(), migrations.size()));
      }
      const Migration& ours = migrations[i];
      if (row[0].as<int>() != ours.version || row[2].c_str() != DigestOf(ours)) {
        return absl::FailedPreconditionError(fmt::format(
            "{} was applied with another content; restore the file, or use the binary it came with",
            Title(ours)));
      }
    }
    return applied.size();
  }

  void Apply(const Migration& migration) {
    if (std::string_view(migration.text).substr(0, kNoTransaction.size()) == kNoTransaction) {
      pqxx::nontransaction(connection_).exec(migration.text);
      pqxx::work tx(connection_);
      Record(tx, migration);
      tx.commit();
      return;
    }
    pqxx::work tx(connection_);
    tx.exec(migration.text);
    Record(tx, migration);
    tx.commit();
  }

 private:
  bool TryLock() {
    pqxx::nontransaction tx(connection_);
    return tx.exec1(fmt::format("select pg_try_advisory_lock({})", kLockKey))[0].as<bool>();
  }

  static void Record(pqxx::work& tx, const Migration& migration) {
    NoteExecution(sql::kRecordMigration.name);
    tx.exec_prepared(sql::kRecordMigration.name, migration.version, migration.name,
                     DigestOf(migration));
  }

  pqxx::connection connection_;
};

absl::Status CheckNumbering(std::span<const Migration> migrations) {
  for (size_t i = 0; i < migrations.size(); ++i) {
    if (migrations[i].version != static_cast<int>(i) + 1) {
      return absl::InvalidArgumentError(
          fmt::format("{}: expected number {}", Title(migrations[i]), i + 1));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<MigrationReport> MigrateLocked(Session& session,
                                              std::span<const Migration> migrations) {
  session.CreateTable();
  TM_ASSIGN_OR_RETURN(const size_t applied, session.CountApplied(migrations));
  MigrationReport report{.applied = {}, .version = static_cast<int>(applied)};
  for (const Migration& migration : migrations.subspan(applied)) {
    try {
      session.Apply(migration);
    } catch (...) {
      return StatusOfCurrentException(Title(migration));
    }
    report.applied.push_back(migration.version);
    report.version = migration.version;
  }
  return report;
}

}  // namespace

absl::StatusOr<MigrationReport> Migrate(const std::string& dsn,
                                        std::span<const Migration> migrations) {
  TM_RETURN_IF_ERROR(CheckNumbering(migrations));
  TM_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::Open(dsn));
  try {
    TM_RETURN_IF_ERROR(session->Lock());
    return MigrateLocked(*session, migrations);
  } catch (...) {
    return StatusOfCurrentException("migrate");
  }
}

absl::Status CheckMigrated(const std::string& dsn, std::span<const Migration> migrations) {
  TM_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::Open(dsn));
  try {
    size_t applied = 0;
    if (session->HasTable()) {
      TM_ASSIGN_OR_RETURN(applied, session->CountApplied(migrations));
    }
    if (applied == migrations.size()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        fmt::format("the database is at migration {} of {}; run `tidemarkd --migrate` as its owner",
                    applied, migrations.size()));
  } catch (...) {
    return StatusOfCurrentException("check migrations");
  }
}

}  // namespace tidemark::db
