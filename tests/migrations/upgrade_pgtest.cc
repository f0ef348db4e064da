// Databases of before, brought to the newest schema with what they hold.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/db/migrator.h"
#include "base/ids.h"
#include "migrations/migrations.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::migrations {
namespace {

using support::IsOk;

// A database as it was before the migration of this name.
class DatabaseBefore : public support::EmptyDatabase {
 public:
  explicit DatabaseBefore(std::string_view name) {
    const auto found = std::find_if(kAll.begin(), kAll.end(), [&](const db::Migration& each) {
      return std::string_view(each.name) == name;
    });
    EXPECT_NE(found, kAll.end()) << name;
    EXPECT_THAT(db::Migrate(OwnerDsn(), {kAll.begin(), found}), IsOk());
  }
  void Upgrade() const { EXPECT_THAT(db::Migrate(OwnerDsn(), kAll), IsOk()); }
};

TEST(UpgradeTest, SignedRootsAreNumberedByDay) {
  const DatabaseBefore database("chain_audit_roots");
  const std::string study = Uuid::MakeRandom().ToString();
  const std::string other = Uuid::MakeRandom().ToString();
  for (const auto& [of, day] : {std::pair(study, 20'003), std::pair(study, 20'001),
                                std::pair(other, 20'002), std::pair(study, 20'002)}) {
    database.Execute(fmt::format(
        "insert into audit_root (study_id, utc_day, signature, key_id, heads, signed_at)"
        " values ('{}', {}, '\\x01', 'k', '\\x02', now())",
        of, day));
  }
  database.Upgrade();
  EXPECT_EQ(database.QueryValue("select string_agg(number || ':' || utc_day, ' ' order by number)"
                                " from audit_root where study_id = '" +
                                study + "'"),
            "1:20001 2:20002 3:20003");
  EXPECT_EQ(database.QueryValue("select number from audit_root where study_id = '" + other + "'"),
            "1");
}

TEST(UpgradeTest, ReasonsAndDocumentsGo) {
  const DatabaseBefore database("clear_plain_reasons");
  const std::string id = Uuid::MakeRandom().ToString();
  database.Execute(
      fmt::format("insert into study (study_id, name, created_at) values ('{0}', 's', now())", id));
  database.Execute(
      fmt::format("insert into participant (participant_id, study_id, code, state, created_at)"
                  " values ('{0}', '{0}', 'p1', 1, now())",
                  id));
  database.Execute(fmt::format(
      "insert into consent values ('{0}', 1, 1, '{0}', 1, 7, null, 'PLAIN-ICF', '{0}', now())",
      id));
  database.Execute(fmt::format(
      "insert into erasure values ('{0}', '{0}', '{0}', 'PLAIN-WHY', '{0}', now(), null, '\\x00')",
      id));
  database.Upgrade();
  EXPECT_EQ(database.QueryValue("select valid_from_ns || ' ' || (document is null) from consent"),
            "7 true");
  EXPECT_EQ(database.QueryValue("select count(*) from erasure"), "1");
  // Not a byte of them in the files of the tables either.
  database.Execute("checkpoint");
  for (const char* table : {"consent", "erasure"}) {
    EXPECT_EQ(
        database.QueryValue(fmt::format("select position('PLAIN' in encode(pg_read_binary_file("
                                        "pg_relation_filepath('{}')), 'escape'))",
                                        table)),
        "0")
        << table;
  }
}

}  // namespace
}  // namespace tidemark::migrations
