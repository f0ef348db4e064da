#include <gmock/gmock.h>
#include <grpcpp/test/server_context_test_spouse.h>

#include <thread>

#include "base/base64.h"
#include "study/database_authorizer.h"
#include "study/fields.h"
#include "study/grants.h"
#include "tests/study/study_fixture.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class DatabaseAuthorizerTest : public StudyFixture {
 protected:
  static rpc::PolicyTable Policies() {
    const std::string services[] = {"tidemark.v1.IngestService", "tidemark.v1.DeviceService"};
    return *rpc::PolicyTable::Load(services);
  }

  absl::StatusOr<rpc::Caller> Authorize(const std::string& method,
                                        const std::map<std::string, std::string>& metadata,
                                        const google::protobuf::Message& request) {
    grpc::ServerContext context;
    grpc::testing::ServerContextTestSpouse spouse(&context);
    for (const auto& [key, value] : metadata) spouse.AddClientMetadata(key, value);
    return authorizer_.Authorize(method, context, request);
  }
  absl::StatusOr<rpc::Caller> PutBundle(const SigningKey& key, const std::string& signed_bundle,
                                        const std::string& sent_bundle,
                                        const std::string& audience = "test-audience") {
    v1::PutChunksRequest request;
    request.set_bundle(sent_bundle);
    const std::string signature =
        key.Sign(BundleProofBytes(audience, enrolled_.device, signed_bundle));
    return Authorize("/tidemark.v1.IngestService/PutChunks",
                     {{"tidemark-device-signature",
                       "v1." + enrolled_.device.ToString() + "." + Base64UrlEncode(signature)}},
                     request);
  }
  absl::Status RotateTo(const SigningKey& key) {
    v1::RotateKeyRequest request;
    request.set_device_id(enrolled_.device.ToString());
    request.set_new_public_key(key.Public().Export());
    request.set_proof(key.Sign(RotateProofBytes(enrolled_.device, request.new_public_key())));
    return Enrolment(context_, &attempts_)
        .RotateKey(DeviceCall(enrolled_.study, enrolled_.participant, enrolled_.device), request)
        .status();
  }
  absl::StatusOr<rpc::Caller> Upload(const std::string& token) {
    return Authorize("/tidemark.v1.IngestService/Upload", {{"authorization", "Bearer " + token}},
                     v1::UploadRequest());
  }
  // Asks without blocking until the answer is no longer OK: the background has asked by then.
  absl::Status RecheckUntilRefused(const rpc::Caller& caller) {
    const absl::Time give_up = absl::Now() + absl::Seconds(10);
    absl::Status status;
    while (status.ok() && absl::Now() < give_up) {
      status = authorizer_.Recheck(caller, false);
      std::this_thread::yield();
    }
    return status;
  }

  const Enrolled enrolled_ = MakeEnrolled();
  DatabaseAuthorizer authorizer_{context_, Policies()};
};

TEST_F(DatabaseAuthorizerTest, SignedBundleProvesTheDevice) {
  TM_ASSERT_OK_AND_ASSIGN(const rpc::Caller caller, PutBundle(enrolled_.key, "bundle", "bundle"));
  EXPECT_EQ(caller.kind, rpc::CallerKind::kDevice);
  EXPECT_EQ(caller.device_id, enrolled_.device);
  EXPECT_EQ(caller.participant_id, enrolled_.participant);
  EXPECT_EQ(caller.study_id, enrolled_.study);
  EXPECT_EQ(caller.credential_id, "");
}

TEST_F(DatabaseAuthorizerTest, SignatureOfSomethingElseIsRefused) {
  for (const auto& result : {PutBundle(enrolled_.key, "bundle", "other"),
                             PutBundle(SigningKey::GenerateP256(), "bundle", "bundle"),
                             PutBundle(enrolled_.key, "bundle", "bundle", "other-audience")}) {
    EXPECT_EQ(rpc::ReasonOf(result.status()), v1::ERROR_REASON_CREDENTIAL_INVALID);
  }
}

TEST_F(DatabaseAuthorizerTest, ARotatedKeyHoldsAtOnce) {
  ASSERT_THAT(PutBundle(enrolled_.key, "b", "b"), IsOk());  // and the old key is remembered
  const SigningKey next = SigningKey::GenerateP256();
  ASSERT_THAT(RotateTo(next), IsOk());
  EXPECT_THAT(PutBundle(next, "b", "b"), IsOk());
  EXPECT_EQ(rpc::ReasonOf(PutBundle(enrolled_.key, "b", "b").status()),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(DatabaseAuthorizerTest, MalformedSignaturesAreRefused) {
  for (const std::string& header :
       {std::string(), std::string("v1."), std::string("v2.x.y"), std::string("v1.no-id.AAAA"),
        "v1." + enrolled_.device.ToString(), "v1." + enrolled_.device.ToString() + ".!"}) {
    EXPECT_EQ(
        rpc::ReasonOf(Authorize("/tidemark.v1.IngestService/PutChunks",
                                {{"tidemark-device-signature", header}}, v1::PutChunksRequest())
                          .status()),
        v1::ERROR_REASON_CREDENTIAL_INVALID)
        << header;
  }
}

TEST_F(DatabaseAuthorizerTest, SignatureOpensNoMethodThatDoesNotSaySo) {
  const std::string signature =
      enrolled_.key.Sign(BundleProofBytes("test-audience", enrolled_.device, ""));
  const std::string header = "v1." + enrolled_.device.ToString() + "." + Base64UrlEncode(signature);
  EXPECT_EQ(rpc::ReasonOf(Authorize("/tidemark.v1.IngestService/Upload",
                                    {{"tidemark-device-signature", header}}, v1::UploadRequest())
                              .status()),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(DatabaseAuthorizerTest, RevokedDeviceIsRefusedWithinTheLifeOfAnAnswer) {
  ASSERT_THAT(PutBundle(enrolled_.key, "b", "b"), IsOk());
  ASSERT_THAT(Revoke(enrolled_.study, enrolled_.participant, enrolled_.device.ToString()), IsOk());
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(rpc::ReasonOf(PutBundle(enrolled_.key, "b", "b").status()),
            v1::ERROR_REASON_DEVICE_REVOKED);
}

TEST_F(DatabaseAuthorizerTest, OpenStreamLearnsOfARevocationWithoutBlocking) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  TM_ASSERT_OK_AND_ASSIGN(const rpc::Caller caller, Upload(session.session_token()));
  EXPECT_THAT(authorizer_.Recheck(caller, false), IsOk());
  ASSERT_THAT(Revoke(enrolled_.study, enrolled_.participant, enrolled_.device.ToString()), IsOk());
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(rpc::ReasonOf(RecheckUntilRefused(caller)), v1::ERROR_REASON_DEVICE_REVOKED);
  EXPECT_EQ(rpc::ReasonOf(authorizer_.Recheck(caller, true)), v1::ERROR_REASON_DEVICE_REVOKED);
}

TEST_F(DatabaseAuthorizerTest, SessionOfAnOpenStreamEnds) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  TM_ASSERT_OK_AND_ASSIGN(const rpc::Caller caller, Upload(session.session_token()));
  clock_.Advance(kSessionLife);
  EXPECT_EQ(rpc::ReasonOf(authorizer_.Recheck(caller, false)), v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(DatabaseAuthorizerTest, ASessionOfAServerWhoseClockWasYearsAheadIsNotHonoured) {
  constexpr absl::Duration kTwoYears = absl::Hours(2 * 365 * 24);
  TM_ASSERT_OK_AND_ASSIGN(const auto before, OpenSession(enrolled_.device, enrolled_.key));
  clock_.Advance(kTwoYears);
  EXPECT_EQ(rpc::ReasonOf(Upload(before.session_token()).status()),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
  TM_ASSERT_OK_AND_ASSIGN(const auto ahead, OpenSession(enrolled_.device, enrolled_.key));
  ASSERT_THAT(Upload(ahead.session_token()), IsOk());
  // Set right again: what is remembered from the future is asked anew, and a revocation holds.
  clock_.Advance(-kTwoYears);
  ASSERT_THAT(Revoke(enrolled_.study, enrolled_.participant, enrolled_.device.ToString()), IsOk());
  EXPECT_EQ(rpc::ReasonOf(Upload(ahead.session_token()).status()), v1::ERROR_REASON_DEVICE_REVOKED);
}

// Guesses at a secret are told to wait; its owner, and others from the same address, are not.
TEST_F(DatabaseAuthorizerTest, WrongSecretsAreLimitedAndLockNobodyOut) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  const Enrolled neighbour = MakeEnrolled();
  TM_ASSERT_OK_AND_ASSIGN(const auto other, OpenSession(neighbour.device, neighbour.key));
  const std::string& right = session.session_token();
  std::string guess = right;
  guess.back() = guess.back() == 'A' ? 'B' : 'A';
  const int burst = AttemptLimits().per_id.burst;
  for (int i = 0; i < burst; ++i) {
    ASSERT_EQ(rpc::ReasonOf(Upload(guess).status()), v1::ERROR_REASON_CREDENTIAL_INVALID) << i;
  }
  const absl::Status refused = Upload(guess).status();
  EXPECT_EQ(rpc::ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rpc::RetryDelayOf(refused), absl::Seconds(1));
  EXPECT_THAT(Upload(right), IsOk());
  EXPECT_THAT(Upload(other.session_token()), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(rpc::ReasonOf(Upload(guess).status()), v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(DatabaseAuthorizerTest, GuessedIdsShutNobodyOutWhomThisServerHasNotSeen) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  const int guesses = AttemptLimits().strangers.burst + 1;
  for (int i = 0; i < guesses; ++i) {
    ASSERT_EQ(rpc::ReasonOf(Upload(Token::Make(TokenKind::kDeviceSession).ToString()).status()),
              v1::ERROR_REASON_CREDENTIAL_INVALID);
  }
  EXPECT_THAT(Upload(session.session_token()), IsOk());
}

TEST_F(DatabaseAuthorizerTest, MalformedTokensAreRefused) {
  TM_ASSERT_OK_AND_ASSIGN(const auto session, OpenSession(enrolled_.device, enrolled_.key));
  const std::string& right = session.session_token();
  std::string other_kind = right;
  other_kind[2] = 'm';
  std::string with_nul = right;
  with_nul[30] = '\0';
  for (const std::string& token :
       {std::string(), std::string("x"), right + "x", right.substr(0, right.size() - 1), other_kind,
        with_nul, " " + right, "tms_" + std::string(5'000, 'a')}) {
    EXPECT_EQ(rpc::ReasonOf(Upload(token).status()), v1::ERROR_REASON_CREDENTIAL_INVALID);
  }
}

TEST_F(DatabaseAuthorizerTest, TagsOfTheLogRotateByDayAndNameNobody) {
  TM_ASSERT_OK_AND_ASSIGN(const rpc::Caller caller, PutBundle(enrolled_.key, "b", "b"));
  const std::string tag = authorizer_.LogTag(caller);
  EXPECT_EQ(tag.size(), 16u);
  EXPECT_EQ(authorizer_.LogTag(caller), tag);
  EXPECT_EQ(enrolled_.device.ToString().find(tag.substr(0, 6)), std::string::npos);
  rpc::Caller other = caller;
  other.principal_id = PrincipalId::MakeV7();
  EXPECT_NE(authorizer_.LogTag(other), tag);
  clock_.Advance(absl::Hours(24));
  EXPECT_NE(authorizer_.LogTag(caller), tag);
  EXPECT_EQ(authorizer_.LogTag(rpc::Caller()), "");
}

// Devices with thousands of open calls: what an upload server asks about every two seconds.
TEST_F(DatabaseAuthorizerTest, ThousandsOfOpenCallsCostAFewQuestions) {
  constexpr size_t kCalls = 2 * kCredentialsPerQuestionMax + 500;
  std::vector<rpc::Caller> callers(kCalls);
  ASSERT_THAT(db::RunInTransaction(pool_, "make_sessions", db::AccessScope::None(), Deadline(),
                                   [&](db::Transaction& tx) {
                                     for (rpc::Caller& caller : callers) {
                                       const Token token = Token::Make(TokenKind::kDeviceSession);
                                       caller.kind = rpc::CallerKind::kDevice;
                                       caller.principal_id = PrincipalId{enrolled_.device.uuid};
                                       caller.device_id = enrolled_.device;
                                       caller.credential_id = token.public_id;
                                       InsertCredential(tx, token, CredentialKind::kDeviceSession,
                                                        caller.principal_id, NowUs(clock_));
                                     }
                                     return absl::OkStatus();
                                   }),
              IsOk());
  const auto refused = [&] {
    std::vector<size_t> places;
    const std::vector<absl::Status> answers = authorizer_.RecheckAll(callers);
    EXPECT_EQ(answers.size(), kCalls);
    for (size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].ok()) places.push_back(i);
    }
    return places;
  };
  EXPECT_THAT(refused(), ::testing::IsEmpty());
  EXPECT_EQ(authorizer_.credential_questions(), 3u);
  EXPECT_THAT(refused(), ::testing::IsEmpty());
  EXPECT_EQ(authorizer_.credential_questions(), 3u) << "what is fresh is not asked about";

  support::TestDatabase::Shared().Execute(
      "update credential set revoked_at = now() where public_id = '" +
      callers[1'234].credential_id + "'");
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(refused(), ::testing::ElementsAre(1'234));
  EXPECT_EQ(authorizer_.credential_questions(), 6u);
}

// A manager with a token of their own, in the study of the enrolled device.
class GrantedCallerTest : public DatabaseAuthorizerTest {
 protected:
  GrantedCallerTest() {
    const absl::Status made = db::RunInTransaction(
        pool_, "make_manager", db::AccessScope::None(), Deadline(), [&](db::Transaction& tx) {
          InsertPrincipal(tx, {.principal_id = principal_, .display_name = "Ada"}, NowUs(clock_));
          InsertCredential(tx, token_, CredentialKind::kToken, principal_, NowUs(clock_));
          SetGrant(tx, {enrolled_.study, principal_, v1::ROLE_MANAGER, {}, principal_},
                   NowUs(clock_));
          return absl::OkStatus();
        });
    EXPECT_THAT(made, IsOk());
  }
  absl::StatusOr<rpc::Caller> ListDevices() {
    v1::ListDevicesRequest request;
    request.set_participant_id(enrolled_.participant.ToString());
    return Authorize("/tidemark.v1.DeviceService/ListDevices",
                     {{"authorization", "Bearer " + token_.ToString()}}, request);
  }
  void RemoveTheGrant() {
    const absl::Status removed = db::RunInTransaction(
        pool_, "remove_grant", db::AccessScope::None(), Deadline(), [&](db::Transaction& tx) {
          EXPECT_TRUE(RemoveGrant(tx, enrolled_.study, principal_, v1::ROLE_MANAGER));
          return absl::OkStatus();
        });
    ASSERT_THAT(removed, IsOk());
  }

  const PrincipalId principal_ = PrincipalId::MakeV7();
  const Token token_ = Token::Make(TokenKind::kStaff);
};

TEST_F(GrantedCallerTest, ARemovedGrantDeniesWithinTheLifeOfAnAnswer) {
  ASSERT_THAT(ListDevices(), IsOk());
  RemoveTheGrant();
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(rpc::ReasonOf(ListDevices().status()), v1::ERROR_REASON_NOT_PERMITTED);
}

TEST_F(GrantedCallerTest, AnOpenStreamEndsWhenItsGrantIsRemoved) {
  TM_ASSERT_OK_AND_ASSIGN(const rpc::Caller caller, ListDevices());
  EXPECT_THAT(authorizer_.Recheck(caller, false), IsOk());
  EXPECT_THAT(authorizer_.Recheck(caller, true), IsOk());
  RemoveTheGrant();
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(rpc::ReasonOf(authorizer_.Recheck(caller, true)), v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(rpc::ReasonOf(RecheckUntilRefused(caller)), v1::ERROR_REASON_NOT_PERMITTED);
}

// A key that is right, for somebody else's study: no way in, and the words of a missing study.
TEST_F(GrantedCallerTest, ATokenOfAnotherStudyOpensNothing) {
  const Enrolled foreign = MakeEnrolled();
  const auto ask = [&](ParticipantId participant) {
    v1::ListDevicesRequest request;
    request.set_participant_id(participant.ToString());
    return Authorize("/tidemark.v1.DeviceService/ListDevices",
                     {{"authorization", "Bearer " + token_.ToString()}}, request)
        .status();
  };
  EXPECT_EQ(rpc::ReasonOf(ask(foreign.participant)), v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(ask(foreign.participant).message(), ask(ParticipantId::MakeV7()).message());
}

TEST_F(DatabaseAuthorizerTest, EnrolmentCodeIsNoBearerToken) {
  const std::string code =
      MakeDevice(enrolled_.study, enrolled_.participant, "phone").enrolment_code().code();
  EXPECT_EQ(rpc::ReasonOf(Upload(code).status()), v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(DatabaseAuthorizerTest, MethodThatIsInNoTableIsDenied) {
  EXPECT_EQ(
      rpc::ReasonOf(Authorize("/tidemark.v1.StudyService/CreateStudy", {}, v1::CreateStudyRequest())
                        .status()),
      v1::ERROR_REASON_NOT_PERMITTED);
}

}  // namespace
}  // namespace tidemark::study
