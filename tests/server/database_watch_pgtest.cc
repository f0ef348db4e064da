#include <gmock/gmock.h>

#include "server/database_watch.h"
#include "server/sql.h"
#include "tests/server/server_fixture.h"
#include "tidemark/v1/operator.grpc.pb.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using ::testing::HasSubstr;

class DatabaseWatchTest : public ::testing::Test {
 protected:
  absl::Status Look() { return watch_.Look(absl::Now() + absl::Seconds(20)); }

  const support::TestDatabase database_;
  Config config_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  db::Pool pool_{
      {.dsn = database_.Dsn("tm_app"), .connections_max = 1, .statements = {sql::kAllStatements}}};
  DatabaseWatch watch_{config_, pool_, clock_};
};

TEST_F(DatabaseWatchTest, SizeJobsAndRoom) {
  EXPECT_FALSE(watch_.facts());
  ASSERT_THAT(Look(), IsOk());
  EXPECT_GT(watch_.facts()->database_bytes, 1 << 20);
  EXPECT_EQ(watch_.facts()->open_jobs, 0);
  EXPECT_EQ(watch_.facts()->oldest_job_s, 0);
  EXPECT_FALSE(watch_.facts()->free_bytes) << "nobody said where the disk is";

  database_.Execute(
      "insert into job (job_id, kind, study_id, payload, state, available_at, created_at)"
      " values (gen_random_uuid(), 1, gen_random_uuid(), '', 1, now(), now() - interval '2 "
      "hours')");
  config_.database_bytes_max = watch_.facts()->database_bytes + (int64_t{1} << 40);
  ASSERT_THAT(Look(), IsOk());
  EXPECT_EQ(watch_.facts()->open_jobs, 1);
  EXPECT_NEAR(watch_.facts()->oldest_job_s, 7'200, 60);
  EXPECT_GT(*watch_.facts()->free_bytes, int64_t{1} << 39);
  config_.database_bytes_max = 1;
  ASSERT_THAT(Look(), IsOk());
  EXPECT_EQ(*watch_.facts()->free_bytes, 0);
  config_.database_bytes_max = 0;
  config_.database_disk = "/";
  ASSERT_THAT(Look(), IsOk());
  EXPECT_GT(*watch_.facts()->free_bytes, 0);
}

TEST_F(DatabaseWatchTest, GrowthIsSeenOverTime) {
  ASSERT_THAT(Look(), IsOk());
  EXPECT_FALSE(watch_.facts()->growth);
  database_.Execute(
      "create table ballast as select repeat('x', 1000) from generate_series(1, 4000)");
  clock_.Advance(absl::Hours(12));
  ASSERT_THAT(Look(), IsOk());
  EXPECT_GT(watch_.facts()->growth->bytes_per_day, 4e6);
  EXPECT_EQ(watch_.facts()->growth->watched, absl::Hours(12));
}

TEST_F(DatabaseWatchTest, AfterALookThatFailedTheFactsStay) {
  ASSERT_THAT(Look(), IsOk());
  database_.Execute("alter table job rename to job_away");
  EXPECT_FALSE(Look().ok());
  EXPECT_TRUE(watch_.facts());
}

TEST(FreeBytesTest, NothingIsSaidOfAPathThatIsNotThere) {
  EXPECT_FALSE(FreeBytesAt("/nonexistent"));
}

// As `tidemark doctor` asks.
class DiskCheckTest : public ServerFixture {
 protected:
  Config MakeConfig() const override {
    Config config = ServerFixture::MakeConfig();
    config.database_bytes_max = bytes_max_;
    return config;
  }
  v1::SecurityCheck Check(int64_t bytes_max) {
    bytes_max_ = bytes_max;
    StartServer();
    const auto answer =
        Invoke(*v1::OperatorService::NewStub(channel_), &v1::OperatorService::Stub::CheckSecurity,
               v1::CheckSecurityRequest(), operator_token_);
    EXPECT_THAT(answer, IsOk());
    for (const v1::SecurityCheck& check : answer->checks()) {
      if (check.name() == "database.disk") return check;
    }
    ADD_FAILURE() << "there is no such check";
    return {};
  }
  int64_t bytes_max_ = 0;
};

TEST_F(DiskCheckTest, SaysWhatThereIs) {
  const v1::SecurityCheck unwatched = Check(0);
  EXPECT_EQ(unwatched.state(), v1::CHECK_STATE_WARNING);
  EXPECT_THAT(unwatched.detail(), HasSubstr("--database-disk"));
  const v1::SecurityCheck roomy = Check(int64_t{1} << 40);
  EXPECT_EQ(roomy.state(), v1::CHECK_STATE_OK);
  EXPECT_THAT(roomy.detail(), HasSubstr("known after an hour"));
  const v1::SecurityCheck full = Check(1);
  EXPECT_EQ(full.state(), v1::CHECK_STATE_FAILED);
  EXPECT_THAT(full.detail(), HasSubstr("0.0 GiB are free: make room"));
}

TEST(FindDiskTest, ForecastsDays) {
  constexpr int64_t kGiB = 1 << 30;
  DatabaseWatch::Facts facts{.database_bytes = 10 * kGiB,
                             .free_bytes = 40 * kGiB,
                             .growth = DiskForecast::Growth{2.0 * kGiB, absl::Hours(30)},
                             .open_jobs = 0,
                             .oldest_job_s = 0};
  EXPECT_EQ(FindDisk(facts).state, v1::CHECK_STATE_OK);
  EXPECT_EQ(FindDisk(facts).detail,
            "the database takes 10.0 GiB, 40.0 GiB are free; it grows by 2.00 GiB a day, seen for "
            "30h, and is full in 20 days");
  facts.growth->bytes_per_day = 4.0 * kGiB;
  EXPECT_EQ(FindDisk(facts).state, v1::CHECK_STATE_WARNING);
  facts.growth->bytes_per_day = 20.0 * kGiB;
  EXPECT_EQ(FindDisk(facts).state, v1::CHECK_STATE_FAILED);
  facts.growth->bytes_per_day = -1;
  EXPECT_EQ(FindDisk(facts).state, v1::CHECK_STATE_OK);
  EXPECT_THAT(FindDisk(facts).detail, HasSubstr("does not grow"));
  EXPECT_EQ(FindDisk(std::nullopt).state, v1::CHECK_STATE_WARNING);
}

}  // namespace
}  // namespace tidemark::server
