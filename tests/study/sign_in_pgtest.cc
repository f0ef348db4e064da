#include "study/access_directory.h"
#include "study/grants.h"
#include "study/sign_in.h"
#include "study/staff.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class SignInTest : public StudyFixture {
 protected:
  SignInTest() : study_(MakeStudy()) {
    v1::CreateStaffRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study_.ToString());
    request.set_display_name("Ada");
    request.set_role(v1::ROLE_LABELER);
    const auto made = Staff(context_).Create(ManagerCall(study_), request);
    EXPECT_THAT(made, IsOk());
    ada_ = *PrincipalId::Parse(made->principal_id());
    code_ = made->sign_in_code();
    Grant(study_, manager_, v1::ROLE_ADMIN);
  }

  void Grant(StudyId study, PrincipalId principal, v1::Role role) {
    EXPECT_THAT(db::RunInTransaction(pool_, "grant", db::AccessScope::None(), Deadline(),
                                     [&](db::Transaction& tx) {
                                       SetGrant(tx, {study, principal, role, {}, manager_}, 0);
                                       return absl::OkStatus();
                                     }),
                IsOk());
  }
  absl::StatusOr<v1::CreateSignInCodeResponse> NewCode(const Call& call) {
    v1::CreateSignInCodeRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(call.study_id.ToString());
    request.set_principal_id(ada_.ToString());
    return sign_in_.CreateCode(call, request);
  }

  absl::StatusOr<v1::SignInResponse> Redeem(const std::string& code) {
    v1::SignInRequest request;
    request.set_sign_in_code(code);
    return sign_in_.Redeem(request, Deadline());
  }
  static bool IsCodeInvalid(const absl::Status& status) {
    return status.code() == absl::StatusCode::kInvalidArgument &&
           rpc::ReasonOf(status) == v1::ERROR_REASON_SIGN_IN_CODE_INVALID;
  }
  Call CallWith(const std::string& token) const {
    Call call;
    call.principal_id = ada_;
    call.credential_id = Token::Parse(token)->public_id;
    call.deadline = Deadline();
    return call;
  }
  absl::Status Holds(const std::string& token) {
    AccessDirectory directory(context_);
    const auto record = directory.FindCredential(Token::Parse(token)->public_id, Deadline());
    EXPECT_THAT(record, IsOk());
    if (*record == nullptr) return absl::NotFoundError("no such credential");
    return (*record)->CheckHolds(absl::ToUnixMicros(clock_.Now()));
  }
  absl::StatusOr<v1::CreateTokenResponse> MakeToken(const std::string& label, uint32_t days = 0) {
    v1::CreateTokenRequest request;
    request.set_request_id(NewRequestId());
    request.set_label(label);
    request.set_days(days);
    Call call;
    call.principal_id = ada_;
    call.deadline = Deadline();
    return sign_in_.CreateToken(call, request);
  }

  const SignIn sign_in_{context_, &attempts_};
  const StudyId study_;
  PrincipalId ada_;
  std::string code_;
};

TEST_F(SignInTest, ACodeOpensOneSessionOfTwelveHours) {
  const auto session = Redeem(code_);
  ASSERT_THAT(session, IsOk());
  EXPECT_EQ(session->principal_id(), ada_.ToString());
  EXPECT_THAT(Holds(session->session_token()), IsOk());
  EXPECT_TRUE(IsCodeInvalid(Redeem(code_).status()));
  clock_.Advance(kStaffSessionLife - absl::Seconds(1));
  EXPECT_THAT(Holds(session->session_token()), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Holds(session->session_token()).code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(SignInTest, ACodeEndsAfterItsTimeAndAfterTooManyGuesses) {
  std::string guess = code_;
  guess.back() = guess.back() == 'A' ? 'B' : 'A';
  for (int i = 0; i < kSignInAttemptsMax; ++i) {
    EXPECT_TRUE(IsCodeInvalid(Redeem(guess).status()));
  }
  EXPECT_TRUE(IsCodeInvalid(Redeem(code_).status()));
  const auto fresh = NewCode(ManagerCall(study_));
  ASSERT_THAT(fresh, IsOk());
  clock_.Advance(kSignInCodeLife);
  EXPECT_TRUE(IsCodeInvalid(Redeem(fresh->sign_in_code()).status()));
}

// Codes that do not exist cost a transaction each.
TEST_F(SignInTest, GuessedCodesAreLimitedAllTogether) {
  const int burst = AttemptLimits().strangers.burst;
  absl::Status status;
  int guesses = 0;
  for (; guesses <= burst && rpc::ReasonOf(status) != v1::ERROR_REASON_OVERLOADED; ++guesses) {
    status = Redeem(Token::Make(TokenKind::kSignInCode).ToString()).status();
  }
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(guesses, burst + 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Redeem(code_), IsOk());
}

TEST_F(SignInTest, AFewGuessesLeaveTheRightCodeAsItIs) {
  std::string guess = code_;
  guess.back() = guess.back() == 'A' ? 'B' : 'A';
  for (int i = 0; i < kSignInAttemptsMax - 1; ++i) {
    EXPECT_TRUE(IsCodeInvalid(Redeem(guess).status()));
  }
  EXPECT_THAT(Redeem(code_), IsOk());
}

TEST_F(SignInTest, ANewCodeEndsTheOldOne) {
  const auto fresh = NewCode(ManagerCall(study_));
  ASSERT_THAT(fresh, IsOk());
  EXPECT_TRUE(IsCodeInvalid(Redeem(code_).status()));
  EXPECT_THAT(Redeem(fresh->sign_in_code()), IsOk());
  EXPECT_EQ(rpc::ReasonOf(NewCode(ManagerCall(MakeStudy())).status()), v1::ERROR_REASON_NOT_FOUND);
}

// Else an admin who gives somebody a role in the own study could act as them in all others.
TEST_F(SignInTest, OnlyWhoIsAdminWhereverSomebodyHasARoleGetsTheirCode) {
  const StudyId other = MakeStudy();
  Grant(other, ada_, v1::ROLE_RESEARCHER);
  EXPECT_EQ(rpc::ReasonOf(NewCode(ManagerCall(study_)).status()), v1::ERROR_REASON_NOT_PERMITTED);
  Grant(other, manager_, v1::ROLE_MANAGER);
  EXPECT_EQ(rpc::ReasonOf(NewCode(ManagerCall(study_)).status()), v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_THAT(Redeem(code_), IsOk());  // no code was made
  Grant(other, manager_, v1::ROLE_ADMIN);
  EXPECT_THAT(NewCode(ManagerCall(study_)), IsOk());
  const auto evidence = support::TestDatabase::Shared().QueryValue(
      "select count(*) from audit where study_id = '" + other.ToString() + "'");
  Call by_operator = OperatorCall();
  by_operator.study_id = study_;
  EXPECT_THAT(NewCode(by_operator), IsOk());
  EXPECT_EQ(support::TestDatabase::Shared().QueryValue(
                "select count(*) from audit where study_id = '" + other.ToString() + "'"),
            std::to_string(std::stoi(evidence) + 1));
}

TEST_F(SignInTest, ASessionIsRenewedForSevenDaysAndNotLonger) {
  const auto first = Redeem(code_);
  ASSERT_THAT(first, IsOk());
  std::string token = first->session_token();
  int renewals = 0;
  for (;;) {
    const auto renewed = sign_in_.Renew(CallWith(token), {});
    ASSERT_THAT(renewed, IsOk());
    EXPECT_NE(Holds(token), absl::OkStatus());
    token = renewed->session_token();
    ++renewals;
    EXPECT_LE(renewed->expires_at().seconds(), first->renewable_until().seconds());
    if (renewed->expires_at().seconds() == first->renewable_until().seconds()) break;
    clock_.Advance(kStaffSessionLife - absl::Minutes(1));
  }
  EXPECT_GE(renewals, 14);
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(rpc::ReasonOf(sign_in_.Renew(CallWith(token), {}).status()),
            v1::ERROR_REASON_SESSION_OVER);
}

TEST_F(SignInTest, ARenewedSessionCannotBeRenewedAgain) {
  const auto first = Redeem(code_);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(sign_in_.Renew(CallWith(first->session_token()), {}), IsOk());
  EXPECT_EQ(rpc::ReasonOf(sign_in_.Renew(CallWith(first->session_token()), {}).status()),
            v1::ERROR_REASON_STATE_CONFLICT);
}

TEST_F(SignInTest, TokensAreListedByTheirOwnerAndEndWhenRevoked) {
  std::set<std::string> made;
  std::string last_token;
  for (int i = 0; i < 5; ++i) {
    const auto token = MakeToken(fmt::format("notebook {}", i));
    ASSERT_THAT(token, IsOk());
    made.insert(token->public_id());
    last_token = token->token();
    clock_.Advance(absl::Microseconds(i % 2));  // some share their instant
  }
  std::set<std::string> listed;
  v1::ListTokensRequest list;
  list.set_page_size(2);
  do {
    const auto page = sign_in_.ListTokens(CallWith(last_token), list);
    ASSERT_THAT(page, IsOk());
    for (const v1::TokenInfo& token : page->tokens()) {
      EXPECT_TRUE(listed.insert(token.public_id()).second);
    }
    list.set_page_token(page->next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(listed, made);

  v1::RevokeTokenRequest revoke;
  revoke.set_request_id(NewRequestId());
  revoke.set_public_id(Token::Parse(last_token)->public_id);
  Call stranger = CallWith(last_token);
  stranger.principal_id = manager_;
  EXPECT_EQ(rpc::ReasonOf(sign_in_.RevokeToken(stranger, revoke).status()),
            v1::ERROR_REASON_NOT_FOUND);
  revoke.set_request_id(NewRequestId());
  EXPECT_THAT(sign_in_.RevokeToken(CallWith(last_token), revoke), IsOk());
  EXPECT_EQ(Holds(last_token).code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(SignInTest, TokensAreBounded) {
  for (int i = 0; i < kTokensPerPrincipalMax; ++i) ASSERT_THAT(MakeToken("t", 1), IsOk());
  EXPECT_EQ(MakeToken("one too many").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(rpc::ReasonOf(MakeToken("too long", 367).status()), v1::ERROR_REASON_FIELD_INVALID);
  clock_.Advance(absl::Hours(25));
  EXPECT_THAT(MakeToken("room again"), IsOk());
}

}  // namespace
}  // namespace tidemark::study
