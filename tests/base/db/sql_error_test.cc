#include "base/db/sql_error.h"

#include <pqxx/pqxx>

#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

using absl::StatusCode;
using support::MessageOf;
using support::StatusIs;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

template <class Exception>
absl::Status StatusOfThrown(const Exception& exception) {
  try {
    throw exception;
  } catch (...) {
    return StatusOfCurrentException("insert_chunk");
  }
}

struct Rung {
  absl::Status status;
  StatusCode code;
  std::string sqlstate;
  bool lost = false;
};

TEST(StatusOfCurrentException, FollowsTheLadder) {
  const Rung rungs[] = {
      {StatusOfThrown(pqxx::in_doubt_error("x")), StatusCode::kUnknown, "", true},
      {StatusOfThrown(pqxx::statement_completion_unknown("x")), StatusCode::kUnknown, "40003",
       true},
      {StatusOfThrown(pqxx::serialization_failure("x")), StatusCode::kAborted, "40001"},
      {StatusOfThrown(pqxx::deadlock_detected("x")), StatusCode::kAborted, "40P01"},
      {StatusOfThrown(pqxx::too_many_connections("x")), StatusCode::kResourceExhausted, "53300"},
      {StatusOfThrown(pqxx::broken_connection("x")), StatusCode::kUnavailable, "", true},
      {StatusOfThrown(pqxx::unique_violation("x")), StatusCode::kAlreadyExists, "23505"},
      {StatusOfThrown(pqxx::foreign_key_violation("x")), StatusCode::kFailedPrecondition, "23503"},
      {StatusOfThrown(pqxx::check_violation("x")), StatusCode::kInvalidArgument, "23514"},
      {StatusOfThrown(pqxx::not_null_violation("x")), StatusCode::kInvalidArgument, "23502"},
      {StatusOfThrown(pqxx::data_exception("x", "", "22P02")), StatusCode::kInvalidArgument,
       "22P02"},
      {StatusOfThrown(pqxx::sql_error("x", "", "57014")), StatusCode::kDeadlineExceeded, "57014"},
      {StatusOfThrown(pqxx::sql_error("x", "", "55P03")), StatusCode::kAborted, "55P03"},
      {StatusOfThrown(pqxx::disk_full("x", "", "53100")), StatusCode::kResourceExhausted, "53100"},
      {StatusOfThrown(pqxx::sql_error("x", "", "57P01")), StatusCode::kUnavailable, "57P01", true},
      {StatusOfThrown(pqxx::sql_error("x", "", "08006")), StatusCode::kUnavailable, "08006", true},
      {StatusOfThrown(pqxx::undefined_table("x", "", "42P01")), StatusCode::kInternal, "42P01"},
      {StatusOfThrown(pqxx::sql_error("x")), StatusCode::kInternal, "XX000"},
      {StatusOfThrown(pqxx::conversion_error("x")), StatusCode::kInternal, ""},
      {StatusOfThrown(std::runtime_error("x")), StatusCode::kInternal, ""},
  };
  for (const Rung& rung : rungs) {
    EXPECT_THAT(rung.status, StatusIs(rung.code, HasSubstr("insert_chunk")));
    EXPECT_EQ(SqlstateOf(rung.status), rung.sqlstate) << rung.status;
    EXPECT_EQ(ConnectionIsLost(rung.status), rung.lost) << rung.status;
  }
}

TEST(StatusOfSqlstate, AnEmptyOneIsALostConnection) {
  const absl::Status status = StatusOfSqlstate("", "connect", "server closed the connection");
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable));
  EXPECT_TRUE(ConnectionIsLost(status));
}

TEST(StatusOfSqlstate, NeverRepeatsValues) {
  const absl::Status duplicate =
      StatusOfSqlstate("23505", "insert_device",
                       "ERROR:  duplicate key value violates unique constraint \"device_pkey\"\n"
                       "DETAIL:  Key (code)=(P-017) already exists.");
  EXPECT_THAT(MessageOf(duplicate), AllOf(HasSubstr("insert_device"), HasSubstr("device_pkey"),
                                          HasSubstr("23505"), Not(HasSubstr("P-017"))));
  const absl::Status malformed =
      StatusOfSqlstate("22P02", "find_device", "invalid input syntax for type uuid: \"P-017\"");
  EXPECT_THAT(MessageOf(malformed), AllOf(HasSubstr("find_device"), Not(HasSubstr("P-017"))));
}

TEST(SqlstateOf, IsEmptyForOtherStatuses) {
  EXPECT_EQ(SqlstateOf(absl::OkStatus()), "");
  EXPECT_EQ(SqlstateOf(absl::AbortedError("not of the database")), "");
  EXPECT_FALSE(ConnectionIsLost(absl::UnavailableError("not of the database")));
}

}  // namespace
}  // namespace tidemark::db
