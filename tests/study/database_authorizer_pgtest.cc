#include <grpcpp/test/server_context_test_spouse.h>

#include <thread>

#include "base/base64.h"
#include "study/database_authorizer.h"
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
