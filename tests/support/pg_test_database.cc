#include "tests/support/pg_test_database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <pqxx/pqxx>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/db/migrator.h"
#include "migrations/migrations.h"

namespace tidemark::support {
namespace {

// Owns the test databases and migrates them: like the owner of a real site, not a superuser.
constexpr char kOwner[] = "tm_owner";
constexpr char kNamePrefix[] = "t_";
// Serializes the making of roles and templates among test processes of one server.
constexpr int64_t kSetupLockKey = 0x7465'7374;

[[noreturn]] void Fail(std::string_view what) {
  fmt::print(stderr, "test database: {}\n", what);
  std::exit(1);
}

using Keywords = std::map<std::string, std::string>;

std::string ToDsn(const Keywords& keywords) {
  std::string dsn;
  for (const auto& [keyword, value] : keywords) dsn += fmt::format("{}='{}' ", keyword, value);
  return dsn;
}

std::string BinaryDir() {
  const char* dir = std::getenv("TIDEMARK_BINARY_DIR");
  return dir != nullptr ? dir : TIDEMARK_BINARY_DIR;
}

std::optional<std::string> ClusterDir() {
  constexpr std::string_view kKey = "TIDEMARK_TEST_PG_DIR=";
  std::ifstream env(BinaryDir() + "/test-pg/env");
  for (std::string line; std::getline(env, line);) {
    if (line.rfind(kKey, 0) == 0) return line.substr(kKey.size());
  }
  return std::nullopt;
}

// A superuser's connection to the cluster of the tests, which is started if need be.
Keywords ClusterKeywords() {
  const std::string start = fmt::format("'{}/tests/support/pg_cluster.sh' start '{}' >&2",
                                        TIDEMARK_SOURCE_DIR, BinaryDir());
  if (std::system(start.c_str()) != 0) Fail("no PostgreSQL: pg_cluster.sh could not start one");
  const std::optional<std::string> dir = ClusterDir();
  if (!dir) Fail("pg_cluster.sh left no env file");
  return {{"host", *dir}, {"user", "postgres"}, {"dbname", "postgres"}};
}

// TEST_DATABASE_URL, taken apart by the server's own client so that a database can be exchanged.
Keywords UrlKeywords(const char* url) {
  try {
    pqxx::connection connection(url);
    if (std::string(connection.dbname()).rfind(kNamePrefix, 0) != 0) {
      Fail("TEST_DATABASE_URL must name a database called t_...");
    }
    return {{"host", connection.hostname()},
            {"port", connection.port()},
            {"user", connection.username()},
            {"dbname", connection.dbname()}};
  } catch (const std::exception& e) {
    Fail(fmt::format("TEST_DATABASE_URL: {}", e.what()));
  }
}

// Where databases are created from: the same for the whole process.
const Keywords& Server() {
  static const Keywords server = [] {
    const char* url = std::getenv("TEST_DATABASE_URL");
    return url != nullptr ? UrlKeywords(url) : ClusterKeywords();
  }();
  return server;
}

Keywords With(Keywords keywords, const std::string& keyword, const std::string& value) {
  keywords[keyword] = value;
  return keywords;
}

// Each statement alone and outside of a transaction, as CREATE DATABASE demands.
pqxx::result RunOn(const Keywords& keywords, const std::string& sql) {
  try {
    pqxx::connection connection(ToDsn(keywords));
    pqxx::nontransaction tx(connection);
    return tx.exec(sql);
  } catch (const std::exception& e) {
    Fail(fmt::format("{}: {}", sql, e.what()));
  }
}

// Holds the setup lock of the server while it lives.
class SetupLock {
 public:
  SetupLock() : connection_(ToDsn(Server())) {
    pqxx::nontransaction(connection_)
        .exec(fmt::format("select pg_advisory_lock({})", kSetupLockKey));
  }

 private:
  pqxx::connection connection_;
};

bool Exists(const std::string& query) { return !RunOn(Server(), query).empty(); }

void EnsureOwner() {
  if (Exists(fmt::format("select from pg_roles where rolname = '{}'", kOwner))) return;
  RunOn(Server(), fmt::format("create role {} login createdb createrole", kOwner));
}

void CreateDatabase(const std::string& name, const std::string& from) {
  RunOn(Server(), fmt::format("drop database if exists {} with (force)", name));
  RunOn(Server(), fmt::format("create database {} owner {} template {}", name, kOwner, from));
}

std::string TemplateName() {
  Sha256Stream digest;
  for (const db::Migration& migration : migrations::kAll) {
    digest.Update(migration.name);
    digest.Update(migration.text);
  }
  return kNamePrefix + std::string("template_") + HexEncode(AsView(digest.Finish())).substr(0, 16);
}

// A finished template refuses connections: copies need it idle, and a half-made one is told apart.
std::string MigratedTemplate() {
  const std::string name = TemplateName();
  const SetupLock lock;
  EnsureOwner();
  if (Exists(
          fmt::format("select from pg_database where datname = '{}' and not datallowconn", name))) {
    return name;
  }
  CreateDatabase(name, "template0");
  const auto report =
      db::Migrate(ToDsn(With(With(Server(), "dbname", name), "user", kOwner)), migrations::kAll);
  if (!report.ok()) Fail(report.status().ToString());
  RunOn(Server(), fmt::format("alter database {} allow_connections false", name));
  return name;
}

std::string NextName() {
  static std::atomic<int> count = 0;
  return fmt::format("{}{}_{}", kNamePrefix, getpid(), count++);
}

void EnsureOwnerLocked() {
  const SetupLock lock;
  EnsureOwner();
}

}  // namespace

EmptyDatabase::EmptyDatabase() : name_(NextName()) {
  EnsureOwnerLocked();
  CreateDatabase(name_, "template0");
}

EmptyDatabase::EmptyDatabase(const std::string& from) : name_(NextName()) {
  CreateDatabase(name_, from);
}

EmptyDatabase::~EmptyDatabase() {
  RunOn(Server(), fmt::format("drop database if exists {} with (force)", name_));
}

std::string EmptyDatabase::OwnerDsn() const { return Dsn(kOwner); }

std::string EmptyDatabase::Dsn(std::string_view role) const {
  return ToDsn(With(With(Server(), "dbname", name_), "user", std::string(role)));
}

std::string EmptyDatabase::SuperuserDsn() const { return ToDsn(With(Server(), "dbname", name_)); }

void EmptyDatabase::Execute(const std::string& sql) const {
  RunOn(With(Server(), "dbname", name_), sql);
}

std::string EmptyDatabase::QueryValue(const std::string& sql) const {
  const pqxx::result result = RunOn(With(Server(), "dbname", name_), sql);
  return result.empty() ? "" : result[0][0].c_str();
}

TestDatabase::TestDatabase() : EmptyDatabase(MigratedTemplate()) {}

TestDatabase& TestDatabase::Shared() {
  static TestDatabase database;
  return database;
}

}  // namespace tidemark::support
