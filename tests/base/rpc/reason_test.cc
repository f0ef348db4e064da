#include "base/rpc/reason.h"

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "tests/support/status_matchers.h"

namespace tidemark::rpc {
namespace {

TEST(ReasonTest, ErrorCarriesItsReason) {
  const absl::Status status =
      Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND, "no such study");
  EXPECT_THAT(status, support::StatusIs(absl::StatusCode::kNotFound, "no such study"));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NOT_FOUND);
}

TEST(ReasonTest, AnotherDomainIsNotOurReason) {
  google::rpc::ErrorInfo info;
  info.set_reason("ERROR_REASON_NOT_FOUND");
  info.set_domain("example.org");
  absl::Status status = absl::NotFoundError("x");
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                    absl::Cord(info.SerializeAsString()));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ReasonTest, FieldErrorNamesFieldAndRule) {
  const absl::Status status = FieldError("study.name", "has 1 to 64 bytes");
  EXPECT_THAT(status, support::StatusIs(absl::StatusCode::kInvalidArgument,
                                        "study.name: has 1 to 64 bytes"));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  google::rpc::BadRequest bad;
  ASSERT_TRUE(bad.ParseFromString(
      std::string(*status.GetPayload("type.googleapis.com/google.rpc.BadRequest"))));
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "study.name");
  EXPECT_EQ(bad.field_violations(0).description(), "has 1 to 64 bytes");
}

TEST(ReasonTest, RetryDelayIsExactToTheNanosecond) {
  const absl::Duration delay = absl::Seconds(2) + absl::Nanoseconds(5);
  EXPECT_EQ(RetryDelayOf(WithRetry(absl::UnavailableError("x"), delay)), delay);
  EXPECT_EQ(RetryDelayOf(absl::UnavailableError("x")), std::nullopt);
}

}  // namespace
}  // namespace tidemark::rpc
