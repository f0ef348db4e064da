#include <string>
#include <thread>
#include <vector>

#include "base/db/migrator.h"
#include "migrations/migrations.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

using absl::StatusCode;
using support::EmptyDatabase;
using support::IsOk;
using support::StatusIs;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Migration kOne{1, "create_tide", "create table tide (height int)"};
constexpr Migration kTwo{2, "add_tides", R"sql(
insert into tide values (1);
do $$ begin insert into tide values (2); end $$;
)sql"};
constexpr Migration kBroken{2, "break_tides", "insert into tide values (3); select * from nowhere"};
constexpr Migration kConcurrent{3, "index_tides",
                                "-- no-transaction\ncreate index concurrently tide_by_height on "
                                "tide (height)"};

class Migrator : public testing::Test {
 protected:
  std::string CountOfTides() const { return database_.QueryValue("select count(*) from tide"); }

  const EmptyDatabase database_;
  const std::string dsn_ = database_.OwnerDsn();
};

TEST_F(Migrator, AppliesInOrderAndOnlyOnce) {
  const Migration first[] = {kOne};
  const Migration both[] = {kOne, kTwo};
  TM_ASSERT_OK_AND_ASSIGN(const MigrationReport one, Migrate(dsn_, first));
  EXPECT_THAT(one.applied, ElementsAre(1));
  TM_ASSERT_OK_AND_ASSIGN(const MigrationReport two, Migrate(dsn_, both));
  EXPECT_THAT(two.applied, ElementsAre(2));
  EXPECT_EQ(two.version, 2);
  TM_ASSERT_OK_AND_ASSIGN(const MigrationReport again, Migrate(dsn_, both));
  EXPECT_THAT(again.applied, IsEmpty());
  EXPECT_EQ(again.version, 2);
  EXPECT_EQ(CountOfTides(), "2");
}

TEST_F(Migrator, EightAtOnceApplyEachFileOnce) {
  const Migration all[] = {kOne, kTwo, kConcurrent};
  std::vector<std::vector<int>> applied(8);
  std::vector<std::thread> migrators;
  for (std::vector<int>& mine : applied) {
    migrators.emplace_back([&] {
      const auto report = Migrate(dsn_, all);
      EXPECT_THAT(report, IsOk());
      if (report.ok()) mine = report->applied;
    });
  }
  for (std::thread& migrator : migrators) migrator.join();
  std::vector<int> together;
  for (const auto& mine : applied) together.insert(together.end(), mine.begin(), mine.end());
  EXPECT_THAT(together, testing::UnorderedElementsAre(1, 2, 3));
  EXPECT_EQ(CountOfTides(), "2");
  EXPECT_EQ(database_.QueryValue("select count(*) from schema_migration"), "3");
}

TEST_F(Migrator, AFailingFileLeavesNothingAndIsNamed) {
  const Migration all[] = {kOne, kBroken};
  EXPECT_THAT(
      Migrate(dsn_, all),
      StatusIs(StatusCode::kInternal, AllOf(HasSubstr("0002 break_tides"), HasSubstr("nowhere"))));
  EXPECT_EQ(CountOfTides(), "0");
  EXPECT_EQ(database_.QueryValue("select max(version) from schema_migration"), "1");
  const Migration mended[] = {kOne, kTwo};
  EXPECT_THAT(Migrate(dsn_, mended), IsOk());
  EXPECT_EQ(CountOfTides(), "2");
}

TEST_F(Migrator, AnAppliedFileMustNotChange) {
  const Migration original[] = {kOne};
  ASSERT_THAT(Migrate(dsn_, original), IsOk());
  const Migration changed[] = {{1, "create_tide", "create table tide (height bigint)"}};
  const auto is_refused = StatusIs(StatusCode::kFailedPrecondition, HasSubstr("0001 create_tide"));
  EXPECT_THAT(Migrate(dsn_, changed), is_refused);
  EXPECT_THAT(CheckMigrated(dsn_, changed), is_refused);
}

TEST_F(Migrator, ADatabaseNewerThanTheBinaryIsRefused) {
  const Migration both[] = {kOne, kTwo};
  const Migration older[] = {kOne};
  ASSERT_THAT(Migrate(dsn_, both), IsOk());
  const auto is_refused = StatusIs(StatusCode::kFailedPrecondition, HasSubstr("newer"));
  EXPECT_THAT(Migrate(dsn_, older), is_refused);
  EXPECT_THAT(CheckMigrated(dsn_, older), is_refused);
}

TEST_F(Migrator, CheckSaysWhatToDo) {
  const Migration first[] = {kOne};
  const Migration both[] = {kOne, kTwo};
  const auto is_behind = StatusIs(StatusCode::kFailedPrecondition, HasSubstr("--migrate"));
  EXPECT_THAT(CheckMigrated(dsn_, both), is_behind);
  ASSERT_THAT(Migrate(dsn_, first), IsOk());
  EXPECT_THAT(CheckMigrated(dsn_, both), is_behind);
  ASSERT_THAT(Migrate(dsn_, both), IsOk());
  EXPECT_THAT(CheckMigrated(dsn_, both), IsOk());
}

TEST_F(Migrator, RefusesAHoleInTheNumbers) {
  const Migration holed[] = {kOne, kConcurrent};
  EXPECT_THAT(Migrate(dsn_, holed), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(database_.QueryValue("select to_regclass('tide')"), "");
}

TEST_F(Migrator, NoServerIsUnavailable) {
  EXPECT_THAT(Migrate("host=/nonexistent dbname=t", {}), StatusIs(StatusCode::kUnavailable));
}

TEST_F(Migrator, TheProjectsOwnApplyAndEveryServerRoleCanCheckThem) {
  ASSERT_THAT(Migrate(dsn_, migrations::kAll), IsOk());
  for (const char* role : {"tm_ingest", "tm_app", "tm_read"}) {
    EXPECT_THAT(CheckMigrated(database_.Dsn(role), migrations::kAll), IsOk()) << role;
  }
}

}  // namespace
}  // namespace tidemark::db
