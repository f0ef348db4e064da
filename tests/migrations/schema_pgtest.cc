// What holds for the migrated schema as a whole.
//
// TIDEMARK_UPDATE_SCHEMA=1 rewrites migrations/schema.sql instead of comparing with it.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <pqxx/pqxx>
#include <set>
#include <sstream>

#include "tests/migrations/all_statements.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::migrations {
namespace {

using support::TestDatabase;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::filesystem::path kSourceDir = TIDEMARK_SOURCE_DIR;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Each row of a query as one line.
std::vector<std::string> Rows(const std::string& sql) {
  pqxx::connection connection(TestDatabase::Shared().SuperuserDsn());
  pqxx::nontransaction tx(connection);
  std::vector<std::string> rows;
  for (const pqxx::row& row : tx.exec(sql)) {
    std::string line;
    for (const pqxx::field& field : row)
      line += std::string(line.empty() ? "" : " | ") + field.c_str();
    rows.push_back(line);
  }
  return rows;
}

TEST(Schema, EveryStatementPrepares) {
  pqxx::connection connection(TestDatabase::Shared().SuperuserDsn());
  for (const ModuleStatements& module : AllStatements()) {
    for (const db::Statement& statement : module.statements) {
      try {
        connection.prepare(statement.name, statement.text);
        connection.prepare_now(statement.name);
      } catch (const std::exception& e) {
        ADD_FAILURE() << module.folder << "/sql/" << statement.name << ".sql: " << e.what();
      }
    }
  }
}

// Names are shared by all modules of a connection, and tell statements apart in logs and metrics.
TEST(Schema, EveryStatementHasItsOwnNameAndSaysItsScope) {
  std::set<std::string> names;
  for (const ModuleStatements& module : AllStatements()) {
    for (const db::Statement& statement : module.statements) {
      EXPECT_TRUE(names.insert(statement.name).second) << statement.name;
      EXPECT_THAT(statement.text, StartsWith(fmt::format("-- {}: ", statement.name)));
      EXPECT_THAT(statement.text, HasSubstr("\n-- scope: "));
    }
  }
}

TEST(Schema, ObeysTheScaleOutAndErasureRules) {
  EXPECT_THAT(Rows(ReadFile(kSourceDir / "tests/migrations/scale_lint.sql")), IsEmpty());
}

// The lint itself: each planted fault must be found, so that silence means something.
TEST(Schema, TheErasureRulesFindWhatTheyAreFor) {
  const TestDatabase database;
  database.Execute(R"sql(
create table no_path (participant_id uuid primary key);
create table no_column (who uuid primary key);
create table nobody (id int primary key);
create table blocks (participant_id uuid primary key references participant);
insert into scale_map values ('no_path', 'dist', 'participant_id', 'cascade'),
                             ('no_column', 'dist', 'who', 'delete'),
                             ('nobody', 'local', null, 'delete'),
                             ('blocks', 'dist', 'participant_id', 'delete');
)sql");
  pqxx::connection connection(database.SuperuserDsn());
  pqxx::nontransaction tx(connection);
  std::vector<std::string> found;
  for (const pqxx::row& row : tx.exec(ReadFile(kSourceDir / "tests/migrations/scale_lint.sql"))) {
    found.push_back(std::string(row[0].c_str()).substr(0, 2) + " " + row[1].c_str());
  }
  EXPECT_THAT(found, testing::ElementsAre("E1 no_path", "E2 no_column", "E3 nobody", "E4 blocks"));
}

TEST(Schema, RowLevelSecurityIsForcedOnEveryParticipantTable) {
  EXPECT_THAT(Rows(R"sql(
select m.relname from scale_map m join pg_class c on c.oid = to_regclass('public.' || m.relname)
 where m.kind = 'dist'
   and not (c.relrowsecurity and c.relforcerowsecurity
            and exists (select from pg_policy p where p.polrelid = c.oid)))sql"),
              IsEmpty());
}

// Policies of a partitioned table do not hold for a partition that is named directly.
TEST(Schema, NoServerRoleReachesAPartitionDirectly) {
  EXPECT_THAT(Rows(R"sql(
select c.relname, r.rolname from pg_class c, pg_roles r
 where c.relispartition and c.relkind in ('r', 'p') and not c.relrowsecurity
   and r.rolname like 'tm\_%' and r.rolname <> 'tm_owner'
   and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete'))sql"),
              IsEmpty());
}

TEST(Schema, NoRoleOfTheServerIsAboveTheRules) {
  EXPECT_THAT(Rows("select rolname from pg_roles where rolname like 'tm\\_%' "
                   "and (rolsuper or rolbypassrls or rolreplication or not rolcanlogin)"),
              IsEmpty());
  EXPECT_THAT(Rows("select rolname from pg_roles where rolname in ('tm_ingest', 'tm_app', "
                   "'tm_read') and not rolcreaterole and not rolcreatedb"),
              testing::SizeIs(3));
}

// What `pg_dump --schema-only` says, without the lines that differ by version or by run.
std::string DumpedSchema() {
  // The distribution keeps its binaries out of PATH; its own front end finds them.
  const std::string command = fmt::format("pg_dump --schema-only --no-owner -d \"{}\"",
                                          TestDatabase::Shared().SuperuserDsn());
  FILE* const pipe = popen(command.c_str(), "r");
  std::string dump;
  char buffer[4096];
  for (size_t size; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;) dump.append(buffer, size);
  EXPECT_EQ(pclose(pipe), 0) << command;

  std::istringstream lines(dump);
  std::string schema;
  for (std::string line; std::getline(lines, line);) {
    const bool varies = line.rfind("-- Dumped ", 0) == 0 || line.rfind("\\restrict ", 0) == 0 ||
                        line.rfind("\\unrestrict ", 0) == 0;
    if (!varies) schema += line + "\n";
  }
  return schema;
}

TEST(Schema, EqualsTheSnapshot) {
  const std::filesystem::path path = kSourceDir / "migrations/schema.sql";
  const std::string dumped = DumpedSchema();
  if (std::getenv("TIDEMARK_UPDATE_SCHEMA") != nullptr) {
    std::ofstream(path) << dumped;
    return;
  }
  EXPECT_TRUE(dumped == ReadFile(path))
      << "migrations/schema.sql does not show the migrated schema; run this test once with "
         "TIDEMARK_UPDATE_SCHEMA=1 and review the difference";
}

}  // namespace
}  // namespace tidemark::migrations
