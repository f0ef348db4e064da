#include "study/access_directory.h"
#include "study/sessions.h"
#include "study/token.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class SessionsTest : public StudyFixture {
 protected:
  static v1::ErrorReason ReasonOfOpen(const absl::StatusOr<v1::OpenSessionResponse>& result) {
    EXPECT_FALSE(result.ok());
    return rpc::ReasonOf(result.status());
  }
  // What the authorizer would say of a token now.
  absl::Status CheckHolds(const std::string& token) {
    AccessDirectory directory(context_);
    const auto record = directory.FindCredential(Token::Parse(token)->public_id, Deadline());
    if (!record.ok()) return record.status();
    return (*record)->CheckHolds(absl::ToUnixMicros(clock_.Now()));
  }

  const Enrolled enrolled_ = MakeEnrolled();
};

TEST_F(SessionsTest, SignedChallengeOpensASessionOfOneHour) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  EXPECT_EQ(session.participant_id(), enrolled_.participant.ToString());
  EXPECT_THAT(CheckHolds(session.session_token()), IsOk());
  clock_.Advance(kSessionLife - absl::Seconds(1));
  EXPECT_THAT(CheckHolds(session.session_token()), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(rpc::ReasonOf(CheckHolds(session.session_token())),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(SessionsTest, ChallengeIsGoodOnce) {
  const std::string challenge = NewChallenge(enrolled_.device);
  ASSERT_THAT(OpenSession(enrolled_.device, enrolled_.key, challenge), IsOk());
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, enrolled_.key, challenge)),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(SessionsTest, WrongSignatureDoesNotUseTheChallengeUp) {
  const std::string challenge = NewChallenge(enrolled_.device);
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, SigningKey::GenerateP256(), challenge)),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
  EXPECT_THAT(OpenSession(enrolled_.device, enrolled_.key, challenge), IsOk());
}

TEST_F(SessionsTest, ChallengeLastsAMinute) {
  const std::string challenge = NewChallenge(enrolled_.device);
  clock_.Advance(kChallengeLife);
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, enrolled_.key, challenge)),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(SessionsTest, AlteredOrForeignChallengeIsRefused) {
  std::string altered = NewChallenge(enrolled_.device);
  altered[20] = static_cast<char>(altered[20] ^ 1);
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, enrolled_.key, altered)),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
  EXPECT_EQ(
      ReasonOfOpen(OpenSession(enrolled_.device, enrolled_.key, NewChallenge(DeviceId::MakeV7()))),
      v1::ERROR_REASON_CREDENTIAL_INVALID);
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, enrolled_.key, "short")),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(SessionsTest, UnknownDeviceGetsAChallengeThatLooksTheSame) {
  EXPECT_EQ(NewChallenge(DeviceId::MakeV7()).size(), NewChallenge(enrolled_.device).size());
  const DeviceId unknown = DeviceId::MakeV7();
  EXPECT_EQ(ReasonOfOpen(OpenSession(unknown, enrolled_.key)), v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(SessionsTest, OnlyTheRevokedDeviceItselfLearnsThatItWasRevoked) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  ASSERT_THAT(Revoke(enrolled_.study, enrolled_.participant, enrolled_.device.ToString()), IsOk());
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, enrolled_.key)),
            v1::ERROR_REASON_DEVICE_REVOKED);
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, SigningKey::GenerateP256())),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
  EXPECT_EQ(rpc::ReasonOf(CheckHolds(session.session_token())), v1::ERROR_REASON_DEVICE_REVOKED);
}

// The clock of a server was wrong for a while, by far; that of a device plays no part.
TEST_F(SessionsTest, AServersClockThatIsYearsOffEndsSessionsAndKeepsNobodyOut) {
  constexpr absl::Duration kTwoYears = absl::Hours(2 * 365 * 24);
  const Enrolled enrolled = MakeEnrolled();
  for (const absl::Duration jump : {kTwoYears, -2 * kTwoYears, kTwoYears}) {
    const std::string before = NewChallenge(enrolled.device);
    clock_.Advance(jump);
    if (jump > absl::ZeroDuration()) {
      EXPECT_EQ(rpc::ReasonOf(OpenSession(enrolled.device, enrolled.key, before).status()),
                v1::ERROR_REASON_CREDENTIAL_INVALID);
    }
    if (jump < absl::ZeroDuration()) {
      // The count of attempts begins anew with an empty room, which fills within a minute.
      const auto refused = OpenSession(enrolled.device, enrolled.key, before);
      EXPECT_EQ(rpc::ReasonOf(refused.status()), v1::ERROR_REASON_OVERLOADED);
      clock_.Advance(absl::Minutes(1));
    }
    TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled.device, enrolled.key));
    EXPECT_EQ(absl::FromUnixSeconds(session.expires_at().seconds()),
              absl::FromUnixSeconds(absl::ToUnixSeconds(clock_.Now() + kSessionLife)));
  }
}

TEST_F(SessionsTest, SecretsAreStoredHashed) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  const Token token = *Token::Parse(session.session_token());
  EXPECT_EQ(support::TestDatabase::Shared().QueryValue(
                "select encode(secret_sha256, 'hex') from credential where public_id = '" +
                token.public_id + "'"),
            support::TestDatabase::Shared().QueryValue("select encode(sha256('" + token.secret +
                                                       "'::bytea), 'hex')"));
}

TEST_F(SessionsTest, DeviceThatIsNamedTooOftenMustWait) {
  const std::string challenge = NewChallenge(enrolled_.device);
  const auto ask = [&](DeviceId device) {
    v1::RequestChallengeRequest request;
    request.set_device_id(device.ToString());
    return Sessions(context_, &attempts_).RequestChallenge(request, Deadline()).status();
  };
  for (int i = 1; i < AttemptLimits().per_id.burst; ++i) {
    ASSERT_THAT(ask(enrolled_.device), IsOk());
  }
  const absl::Status refused = ask(enrolled_.device);
  EXPECT_EQ(rpc::ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rpc::RetryDelayOf(refused), AttemptLimits().per_id.refill);
  EXPECT_EQ(ReasonOfOpen(OpenSession(enrolled_.device, enrolled_.key, challenge)),
            v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(ask(DeviceId::MakeV7()), IsOk());
  clock_.Advance(AttemptLimits().per_id.refill);
  EXPECT_THAT(OpenSession(enrolled_.device, enrolled_.key, challenge), IsOk());
}

}  // namespace
}  // namespace tidemark::study
