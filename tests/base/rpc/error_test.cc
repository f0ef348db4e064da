#include "base/rpc/error.h"

#include "base/db/sql_error.h"
#include "base/rpc/guard.h"
#include "tests/support/status_matchers.h"

namespace tidemark::rpc {
namespace {

using support::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

// Over the wire and back.
absl::Status Travelled(const absl::Status& status) { return FromGrpc(ToGrpc(status)); }

TEST(ErrorTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(ErrorTest, ReasonAndDelayTravel) {
  const absl::Status status = Travelled(WithRetry(
      Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_INGEST_REFUSED, "not durable"),
      absl::Seconds(7)));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "not durable"));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INGEST_REFUSED);
  EXPECT_EQ(RetryDelayOf(status), absl::Seconds(7));
}

TEST(ErrorTest, LostDatabaseIsStoreUnavailableWithoutItsWords) {
  const absl::Status status =
      Travelled(db::StatusOfSqlstate("", "create_study", "could not connect to 10.0.0.7"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, Not(HasSubstr("10.0.0.7"))));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_NE(RetryDelayOf(status), std::nullopt);
}

TEST(ErrorTest, FullPoolIsOverloadedWithADelay) {
  const absl::Status status = Travelled(absl::ResourceExhaustedError("all connections busy"));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_OVERLOADED);
  EXPECT_NE(RetryDelayOf(status), std::nullopt);
}

TEST(ErrorTest, WordsOfTheDatabaseNeverLeave) {
  const absl::Status status = Travelled(
      db::StatusOfSqlstate("23505", "insert", "duplicate key value violates \"study_name\""));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, Not(HasSubstr("study_name"))));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ALREADY_EXISTS);
}

TEST(ErrorTest, InternalMessageIsNeutral) {
  EXPECT_THAT(Travelled(absl::InternalError("secret path")),
              StatusIs(absl::StatusCode::kInternal, "internal error"));
  EXPECT_THAT(Travelled(absl::UnknownError("secret path")),
              StatusIs(absl::StatusCode::kUnknown, Not(HasSubstr("secret"))));
}

TEST(ErrorTest, PlainStatusKeepsItsWordsAndGetsAReason) {
  const absl::Status status = Travelled(absl::NotFoundError("no such stream"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "no such stream"));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NOT_FOUND);
}

TEST(ErrorTest, DetailsThatAreNoStatusAreIgnored) {
  const grpc::Status status(grpc::StatusCode::NOT_FOUND, "x", "\xff\xff not a message");
  EXPECT_THAT(FromGrpc(status), StatusIs(absl::StatusCode::kNotFound, "x"));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(GuardTest, CallWithoutDeadlineGetsTheMost) {
  grpc::ServerContext context;
  const absl::Time before = absl::Now();
  const absl::Time deadline = DeadlineOf(context, absl::Seconds(5));
  EXPECT_GE(deadline, before + absl::Seconds(5));
  EXPECT_LE(deadline, absl::Now() + absl::Seconds(5));
}

}  // namespace
}  // namespace tidemark::rpc
