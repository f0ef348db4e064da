#include "study/request_memory.h"
#include "tests/study/study_fixture.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class RequestMemoryTest : public StudyFixture {
 protected:
  absl::StatusOr<v1::CreateStudyResponse> Once(const std::string& request_id,
                                               const std::string& name,
                                               const char* method = "CreateStudy") {
    v1::CreateStudyRequest request;
    request.set_request_id(request_id);
    request.set_name(name);
    return context_.memory().Once<v1::CreateStudyResponse>(
        OperatorCall(), method, request,
        [&](db::Transaction&) -> absl::StatusOr<v1::CreateStudyResponse> {
          ++runs_;
          if (name == "fails") return absl::NotFoundError("no");
          v1::CreateStudyResponse response;
          response.mutable_study()->set_study_id(std::to_string(runs_));
          return response;
        });
  }

  int runs_ = 0;
  const std::string id_ = NewRequestId();
};

TEST_F(RequestMemoryTest, SameRequestRunsOnceAndIsAnsweredTwice) {
  TM_ASSERT_OK_AND_ASSIGN(const auto first, Once(id_, "a"));
  TM_ASSERT_OK_AND_ASSIGN(const auto second, Once(id_, "a"));
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(first.study().study_id(), second.study().study_id());
}

TEST_F(RequestMemoryTest, AnotherRequestOrMethodIsRefused) {
  ASSERT_THAT(Once(id_, "a"), IsOk());
  const auto other = Once(id_, "b");
  EXPECT_TRUE(absl::IsAlreadyExists(other.status()));
  EXPECT_EQ(rpc::ReasonOf(other.status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(rpc::ReasonOf(Once(id_, "a", "OtherMethod").status()),
            v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(runs_, 1);
}

TEST_F(RequestMemoryTest, FailureIsNotRemembered) {
  EXPECT_TRUE(absl::IsNotFound(Once(id_, "fails").status()));
  EXPECT_THAT(Once(id_, "a"), IsOk());
}

TEST_F(RequestMemoryTest, IsForgottenAfterADay) {
  ASSERT_THAT(Once(id_, "a"), IsOk());
  clock_.Advance(kRequestMemoryAge - absl::Seconds(1));
  ASSERT_THAT(Once(id_, "a"), IsOk());
  EXPECT_EQ(runs_, 1);
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Once(id_, "b"), IsOk());
  EXPECT_EQ(runs_, 2);
}

TEST_F(RequestMemoryTest, OldAnswersOfOthersAreRemovedOnTheWay) {
  ASSERT_THAT(Once(id_, "a"), IsOk());
  clock_.Advance(kRequestMemoryAge + absl::Seconds(1));
  // Each call removes some; other tests have left theirs.
  const int left_behind =
      std::stoi(support::TestDatabase::Shared().QueryValue("select count(*) from request_memory"));
  for (int call = 0; call < left_behind; ++call) {
    ASSERT_THAT(Once(NewRequestId(), "a"), IsOk());
  }
  EXPECT_EQ(support::TestDatabase::Shared().QueryValue(
                "select count(*) from request_memory where request_id = '" + id_ + "'"),
            "0");
}

TEST_F(RequestMemoryTest, RequestIdMustBeAUuid) {
  EXPECT_EQ(rpc::ReasonOf(Once("", "a").status()), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(rpc::ReasonOf(Once("17", "a").status()), v1::ERROR_REASON_FIELD_INVALID);
}

}  // namespace
}  // namespace tidemark::study
