#include "base/db/conninfo.h"

#include "absl/time/clock.h"
#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;
using testing::HasSubstr;
using testing::Not;

TEST(SessionDsn, KeepsWhatIsSaidAndAddsTheSession) {
  const SessionOptions options{.application_name = "o'tide", .statement_timeout_ms = 1500};
  TM_ASSERT_OK_AND_ASSIGN(const std::string dsn,
                          SessionDsn("postgresql://ann@db.example:7/tide?connect_timeout=3"
                                     "&options=-c%20work_mem%3D8MB",
                                     options));
  for (const char* part : {"host='db.example'", "port='7'", "user='ann'", "dbname='tide'",
                           "connect_timeout='3'", "application_name='o\\'tide'", "-c work_mem=8MB",
                           "-c statement_timeout=1500", "-c TimeZone=UTC"}) {
    EXPECT_THAT(dsn, HasSubstr(part));
  }
  EXPECT_THAT(SessionDsn(dsn, options), IsOk());
}

std::string ConnectTimeoutOf(const std::string& dsn, absl::Duration left) {
  const auto session = SessionDsn(dsn, {.connect_deadline = absl::Now() + left});
  if (!session.ok()) return session.status().ToString();
  const size_t begin = session->find("connect_timeout='");
  return session->substr(begin + 17, session->find('\'', begin + 17) - begin - 17);
}

// Half a second more than whole ones, for the time that passes in between.
TEST(SessionDsn, ConnectingEndsWithTheDeadline) {
  EXPECT_EQ(ConnectTimeoutOf("host=db", absl::Seconds(5.5)), "5");
  EXPECT_EQ(ConnectTimeoutOf("host=db", absl::Minutes(5)), "10");
  EXPECT_EQ(ConnectTimeoutOf("host=db connect_timeout=3", absl::Seconds(5.5)), "3");
  EXPECT_EQ(ConnectTimeoutOf("host=db connect_timeout=60", absl::Seconds(5.5)), "5");
  EXPECT_EQ(ConnectTimeoutOf("host=db connect_timeout=0", absl::Seconds(5.5)), "5");
  EXPECT_EQ(ConnectTimeoutOf("host=a,b", absl::Seconds(6.5)), "3");
  EXPECT_EQ(ConnectTimeoutOf("host=db", absl::Seconds(-1)), "2");
}

TEST(SessionDsn, RefusesNonsenseWithoutRepeatingIt) {
  EXPECT_THAT(SessionDsn("password=hunter2 nonsense", {}),
              StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("hunter2"))));
}

TEST(HoldsPassword, FindsItInBothForms) {
  EXPECT_EQ(HoldsPassword("host=/run dbname=t passfile=/etc/tidemark/pgpass").value(), false);
  EXPECT_EQ(HoldsPassword("host=/run password=hunter2").value(), true);
  EXPECT_EQ(HoldsPassword("host=/run sslpassword='x y'").value(), true);
  EXPECT_EQ(HoldsPassword("postgresql://u:hunter2@h/d").value(), true);
  EXPECT_EQ(HoldsPassword("postgresql://u@h/d?password=hunter2").value(), true);
  EXPECT_EQ(HoldsPassword("postgresql://u@h/d").value(), false);
  EXPECT_EQ(HoldsPassword("host='").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tidemark::db
