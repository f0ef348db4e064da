#include <pqxx/pqxx>

#include "study/sql.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::study {
namespace {

TEST(StatementsTest, EveryOnePreparesOnTheMigratedSchema) {
  pqxx::connection connection(support::TestDatabase::Shared().Dsn("tm_app"));
  for (const db::Statement& statement : sql::kAllStatements) {
    connection.prepare(statement.name, statement.text);
    EXPECT_NO_THROW(connection.prepare_now(statement.name)) << statement.name;
  }
}

TEST(StatementsTest, EveryOneSaysItsScope) {
  for (const db::Statement& statement : sql::kAllStatements) {
    const std::string text = statement.text;
    EXPECT_EQ(text.rfind(std::string("-- ") + statement.name + ": ", 0), 0u) << statement.name;
    EXPECT_NE(text.find("\n-- scope: "), std::string::npos) << statement.name;
  }
}

}  // namespace
}  // namespace tidemark::study
