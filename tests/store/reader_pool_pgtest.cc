#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "store/reader_pool.h"
#include "store/sql.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;
using support::TestDatabase;

class ReaderPoolTest : public testing::Test {
 protected:
  absl::StatusOr<db::BinaryResult> ListDeclarations(absl::Time deadline = absl::InfiniteFuture()) {
    db::BinaryParams params;
    params.Add(participant_);
    return pool_.Query(participant_, sql::kListNewestDeclarations, params, deadline);
  }
  std::string Sessions() const {
    return TestDatabase::Shared().QueryValue(
        fmt::format("select count(*) from pg_stat_activity where application_name = '{}'", kName));
  }
  static constexpr char kName[] = "reader-pool-test";

  const ParticipantId participant_ = ParticipantId::MakeV7();
  ReaderPool pool_{{.dsn = TestDatabase::Shared().Dsn("tm_read"),
                    .application_name = kName,
                    .connections_max = 2}};
};

TEST_F(ReaderPoolTest, SharesFewConnectionsAmongManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) answered += ListDeclarations().ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 120);
  EXPECT_LE(std::stoi(Sessions()), 2);
}

TEST_F(ReaderPoolTest, AConnectionThatDiedIsReplaced) {
  ASSERT_THAT(ListDeclarations(), IsOk());
  TestDatabase::Shared().Execute(fmt::format(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = '{}'",
      kName));
  EXPECT_THAT(ListDeclarations(), IsOk());
}

TEST_F(ReaderPoolTest, AnswersInTheOrderOfTheParameters) {
  std::vector<db::BinaryParams> params(3);
  for (db::BinaryParams& each : params) each.Add(participant_);
  TM_ASSERT_OK_AND_ASSIGN(
      const auto results,
      pool_.QueryEach(participant_, sql::kListNewestDeclarations, params, absl::InfiniteFuture()));
  EXPECT_EQ(results.size(), 3u);
  TM_ASSERT_OK_AND_ASSIGN(
      const auto none,
      pool_.QueryEach(participant_, sql::kListNewestDeclarations, {}, absl::InfiniteFuture()));
  EXPECT_TRUE(none.empty());
}

TEST_F(ReaderPoolTest, SaysWhyItCannotAnswer) {
  EXPECT_THAT(ListDeclarations(absl::InfinitePast()), StatusIs(StatusCode::kDeadlineExceeded));
  ReaderPool nowhere({.dsn = "host=/nonexistent dbname=t_none"});
  db::BinaryParams params;
  params.Add(participant_);
  EXPECT_THAT(
      nowhere.Query(participant_, sql::kListNewestDeclarations, params, absl::InfiniteFuture()),
      StatusIs(StatusCode::kUnavailable));
  // A failed connect gives its place back: the pool does not run dry.
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(
        nowhere.Query(participant_, sql::kListNewestDeclarations, params, absl::InfiniteFuture()),
        StatusIs(StatusCode::kUnavailable));
  }
}

}  // namespace
}  // namespace tidemark::store
