#include <gmock/gmock.h>

#include <thread>

#include "absl/time/clock.h"
#include "base/db/database_metrics.h"
#include "base/db/pool.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

using support::IsOk;

TEST(DatabaseMetricsTest, ErrorsHaveTheClassesOfAnOperator) {
  EXPECT_EQ(ErrorClassOf(""), ErrorClass::kConnection);
  EXPECT_EQ(ErrorClassOf("57P01"), ErrorClass::kConnection);
  EXPECT_EQ(ErrorClassOf("08006"), ErrorClass::kConnection);
  EXPECT_EQ(ErrorClassOf("40003"), ErrorClass::kInDoubt);
  EXPECT_EQ(ErrorClassOf("40P01"), ErrorClass::kContention);
  EXPECT_EQ(ErrorClassOf("55P03"), ErrorClass::kContention);
  EXPECT_EQ(ErrorClassOf("57014"), ErrorClass::kTimeout);
  EXPECT_EQ(ErrorClassOf("53100"), ErrorClass::kRoom);
  EXPECT_EQ(ErrorClassOf("23505"), ErrorClass::kConstraint);
  EXPECT_EQ(ErrorClassOf("22P02"), ErrorClass::kValue);
  EXPECT_EQ(ErrorClassOf("42P01"), ErrorClass::kOther);
}

class PoolReadingsTest : public ::testing::Test {
 protected:
  double InUse() const { return Of(DatabaseMetrics::OfProcess().connections_in_use); }
  double Waiting() const { return Of(DatabaseMetrics::OfProcess().waiting); }
  double Max() const { return Of(DatabaseMetrics::OfProcess().connections_max); }
  double Of(const metrics::Reading& reading) const {
    const auto all = reading.AskAll();
    const auto found = all.find("readings-test");
    return found == all.end() ? -1 : found->second;
  }
  const support::TestDatabase& database_ = support::TestDatabase::Shared();
};

TEST_F(PoolReadingsTest, APoolSaysWhoHasAndWhoWaits) {
  {
    Pool pool({.dsn = database_.Dsn("tm_app"),
               .application_name = "readings-test",
               .connections_max = 1});
    EXPECT_EQ(InUse(), 0);
    EXPECT_EQ(Max(), 1);
    auto lease = pool.Acquire(absl::Now() + absl::Seconds(10));
    ASSERT_THAT(lease, IsOk());
    EXPECT_EQ(InUse(), 1);
    std::thread other([&] { EXPECT_THAT(pool.Acquire(absl::Now() + absl::Seconds(20)), IsOk()); });
    while (Waiting() != 1) std::this_thread::yield();
    { const Pool::Lease ended = *std::move(lease); }
    other.join();
    EXPECT_EQ(Waiting(), 0);
    EXPECT_EQ(InUse(), 0);
  }
  EXPECT_EQ(Max(), -1) << "a pool that is gone still speaks";
}

TEST_F(PoolReadingsTest, ErrorsAreCounted) {
  const auto& errors = DatabaseMetrics::OfProcess().errors;
  const uint64_t before = errors[static_cast<size_t>(ErrorClass::kConnection)].value();
  Pool pool({.dsn = "host=/nonexistent dbname=t", .application_name = "readings-test"});
  EXPECT_FALSE(pool.Acquire(absl::Now() + absl::Seconds(5)).ok());
  EXPECT_EQ(errors[static_cast<size_t>(ErrorClass::kConnection)].value(), before + 1);
}

}  // namespace
}  // namespace tidemark::db
