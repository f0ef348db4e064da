#include "base/rpc/call_metrics.h"

#include <gmock/gmock.h>

namespace tidemark::rpc {
namespace {

using ::testing::HasSubstr;

TEST(CallMetricsTest, CallsAreCountedByStatusAndRefusalsByReason) {
  metrics::Registry registry;
  CallMetrics metrics(registry);
  metrics.CountEnd(absl::StatusCode::kOk, v1::ERROR_REASON_UNSPECIFIED);
  metrics.CountEnd(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED);
  metrics.CountEnd(static_cast<absl::StatusCode>(99), static_cast<v1::ErrorReason>(1'000));
  const std::string page = registry.Text();
  for (const char* line : {"tidemark_calls_total{status=\"ok\"} 1\n",
                           "tidemark_calls_total{status=\"resource_exhausted\"} 1\n",
                           "tidemark_calls_total{status=\"unknown\"} 1\n",
                           "tidemark_refusals_total{reason=\"overloaded\"} 1\n",
                           "tidemark_refusals_total{reason=\"unspecified\"} 1\n",
                           "tidemark_authentication_failures_total 0\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(CallMetricsTest, WrongCredentialsAndWrongCodesAreFailuresOfAuthentication) {
  metrics::Registry registry;
  CallMetrics metrics(registry);
  metrics.CountEnd(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_SESSION_OVER);
  metrics.CountEnd(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
  metrics.CountEnd(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_SIGN_IN_CODE_INVALID);
  metrics.CountEnd(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(metrics.authentication_failures.value(), 3u);
}

}  // namespace
}  // namespace tidemark::rpc
