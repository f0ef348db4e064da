#include "server/database_checks.h"
#include "server/sql.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::StatusIs;
using support::TestDatabase;
using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

std::unique_ptr<db::Pool> PoolOf(const std::string& dsn) {
  return std::make_unique<db::Pool>(
      db::PoolOptions{.dsn = dsn, .connections_max = 1, .statements = {sql::kAllStatements}});
}

TEST(CheckRoleTest, ServersOwnRolesPass) {
  for (const char* role : {"tm_app", "tm_ingest", "tm_read"}) {
    EXPECT_THAT(CheckRole(*PoolOf(TestDatabase::Shared().Dsn(role)), Soon()), IsOk()) << role;
  }
}

TEST(CheckRoleTest, WhoCouldGoAroundRowSecurityIsRefused) {
  EXPECT_THAT(CheckRole(*PoolOf(TestDatabase::Shared().SuperuserDsn()), Soon()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("superuser")));
  EXPECT_THAT(CheckRole(*PoolOf(TestDatabase::Shared().OwnerDsn()), Soon()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("owns tables")));
}

TEST(CheckDurabilityTest, NamesWhatIsOff) {
  const auto pool = PoolOf(TestDatabase::Shared().Dsn("tm_ingest"));
  // The cluster of the tests trades durability for speed.
  EXPECT_THAT(CheckDurability(*pool, Soon()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("fsync")));
}

TEST(EnsurePartitionsTest, MakesThisMonthAndTheNext) {
  const TestDatabase database;
  const auto pool = PoolOf(database.Dsn("tm_app"));
  ASSERT_THAT(EnsurePartitions(*pool, Soon()), IsOk());
  ASSERT_THAT(EnsurePartitions(*pool, Soon()), IsOk());
  EXPECT_EQ(
      database.QueryValue("select count(*) from pg_inherits where inhparent = 'segment'::regclass"),
      "4");  // three months and the default
}

TEST(ProbeTest, AnswersOrSaysUnavailable) {
  EXPECT_THAT(Probe(*PoolOf(TestDatabase::Shared().Dsn("tm_app")), Soon()), IsOk());
  EXPECT_TRUE(
      absl::IsUnavailable(Probe(*PoolOf("host=/nonexistent dbname=t user=tm_app"), Soon())));
}

}  // namespace
}  // namespace tidemark::server
