#include "base/rpc/call_log.h"

#include <gmock/gmock.h>
#include <grpcpp/test/server_context_test_spouse.h>

#include "base/rpc/guard.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/authz.pb.h"

namespace tidemark::rpc {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kMethod[] = "/tidemark.v1.StudyService/CreateStudy";
constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";

Caller CallerOfKind(CallerKind kind) {
  Caller caller;
  caller.kind = kind;
  return caller;
}

class FakeAuthorizer : public Authorizer {
 public:
  absl::StatusOr<Caller> Authorize(std::string_view, const grpc::ServerContextBase&,
                                   const google::protobuf::Message&) override {
    return caller;
  }
  absl::Status Recheck(const Caller&, bool) override { return absl::OkStatus(); }
  std::string LogTag(const Caller&) const override { return "0123456789abcdef"; }

  absl::StatusOr<Caller> caller = CallerOfKind(CallerKind::kDevice);
};

class CallLogTest : public testing::Test {
 protected:
  CallLogTest() : spouse_(&context_) {}
  ~CallLogTest() override { InitLog("info", false); }

  // The log of one call through a guard, at `level`.
  std::string LogOf(const absl::Status& outcome, const std::string& level, bool json = true) {
    testing::internal::CaptureStderr();
    InitLog(level, json);
    const v1::Authz request;
    shown_ =
        Guarded(authorizer_, kMethod, &context_, request, [&](const Caller&) { return outcome; });
    return testing::internal::GetCapturedStderr();
  }
  std::string TraceIdFor(const std::string& traceparent) {
    grpc::ServerContext context;
    grpc::testing::ServerContextTestSpouse spouse(&context);
    spouse.AddClientMetadata("traceparent", traceparent);
    return MakeCallIds(context).trace_id;
  }

  FakeAuthorizer authorizer_;
  grpc::ServerContext context_;
  grpc::testing::ServerContextTestSpouse spouse_;
  grpc::Status shown_;
};

TEST_F(CallLogTest, FailedCallIsOneLineOfJsonWithFixedNames) {
  const std::string log =
      LogOf(Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND, "nothing"), "info");
  EXPECT_THAT(
      log, testing::MatchesRegex(R"(\{"time":"[^"]+","level":"info","message":"call",)"
                                 R"("request_id":"[0-9a-f]+","trace_id":"[0-9a-f]+",)"
                                 R"("method":"/tidemark.v1.StudyService/CreateStudy",)"
                                 R"("permission":"[^"]*","caller":"device","outcome":"NOT_FOUND",)"
                                 R"("duration_ms":"[0-9.]+","reason":"ERROR_REASON_NOT_FOUND",)"
                                 R"("tag":"0123456789abcdef"\})"
                                 "\n"));
  EXPECT_EQ(shown_.error_code(), grpc::NOT_FOUND);
}

TEST_F(CallLogTest, RefusedCallerIsNamedByKindAndTag) {
  authorizer_.caller =
      WithCaller(absl::PermissionDeniedError("no"), authorizer_, CallerOfKind(CallerKind::kStaff));
  const std::string log = LogOf(absl::OkStatus(), "info");
  EXPECT_THAT(log, HasSubstr(R"("caller":"staff")"));
  EXPECT_THAT(log, HasSubstr(R"("tag":"0123456789abcdef")"));
  EXPECT_THAT(shown_.error_details(), Not(HasSubstr("staff")));
  EXPECT_THAT(shown_.error_details(), Not(HasSubstr("0123456789abcdef")));
}

TEST_F(CallLogTest, StrangerIsAnonymous) {
  authorizer_.caller = absl::UnauthenticatedError("who?");
  EXPECT_THAT(LogOf(absl::OkStatus(), "info", false), HasSubstr("caller=anonymous"));
}

TEST_F(CallLogTest, CallsThatSucceedAreForDebugging) {
  EXPECT_EQ(LogOf(absl::OkStatus(), "info"), "");
  EXPECT_THAT(LogOf(absl::OkStatus(), "debug"), HasSubstr(R"("outcome":"OK")"));
}

TEST_F(CallLogTest, LinesInsideACallCarryItsIds) {
  testing::internal::CaptureStderr();
  InitLog("info", false);
  const CallLog log(kMethod, &context_);
  {
    const LogScope scope(log.ids());
    LogInfo("inside");
  }
  LogInfo("outside");
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("inside request_id=" + log.ids()[0].value +
                               " trace_id=" + log.ids()[1].value + "\n"));
  EXPECT_THAT(lines, HasSubstr("outside\n"));
}

TEST_F(CallLogTest, TraceOfTheClientIsKept) {
  EXPECT_EQ(TraceIdFor(std::string("00-") + kTraceId + "-00f067aa0ba902b7-01"), kTraceId);
}

TEST_F(CallLogTest, WhatIsNoTraceIsNotCopied) {
  const std::string id = kTraceId;
  for (const std::string& malformed :
       {std::string(), std::string("participant-7"), "00-" + id,
        "01-" + id + "-00f067aa0ba902b7-01", "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01",
        "00-" + std::string(32, 'P') + "-00f067aa0ba902b7-01",
        "00-" + id + "-00f067aa0ba902b7-01-more"}) {
    EXPECT_NE(TraceIdFor(malformed), id) << malformed;
    EXPECT_EQ(TraceIdFor(malformed).size(), id.size()) << malformed;
    EXPECT_EQ(TraceIdFor(malformed).find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

TEST_F(CallLogTest, RequestIdsDiffer) {
  EXPECT_NE(MakeCallIds(context_).request_id, MakeCallIds(context_).request_id);
}

// Whatever stands in a message, a line stays a line of JSON.
TEST_F(CallLogTest, JsonIsEscaped) {
  testing::internal::CaptureStderr();
  InitLog("info", true);
  LogInfo("a \"quote\", a \\, a \n and \xff");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr(R"("message":"a \"quote\", a \\, a \u000a and \u00ff"})"));
}

}  // namespace
}  // namespace tidemark::rpc
