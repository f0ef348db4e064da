#include "base/db/conninfo.h"

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

TEST(SessionDsn, RefusesNonsenseWithoutRepeatingIt) {
  EXPECT_THAT(SessionDsn("password=hunter2 nonsense", {}),
              StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace tidemark::db
