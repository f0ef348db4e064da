#include "study/enrolment.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class EnrolmentTest : public StudyFixture {
 protected:
  EnrolmentTest() : study_(MakeStudy()), participant_(MakeParticipant(study_)) {
    const v1::CreateDeviceResponse made = MakeDevice(study_, participant_);
    device_ = made.device().device_id();
    code_ = made.enrolment_code().code();
  }

  static v1::ErrorReason ReasonOfEnrol(const absl::StatusOr<v1::EnrolResponse>& result) {
    return rpc::ReasonOf(result.status());
  }
  // The code with another secret.
  std::string WrongSecret() const {
    std::string wrong = code_;
    wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
    return wrong;
  }

  const StudyId study_;
  const ParticipantId participant_;
  std::string device_;
  std::string code_;
  const SigningKey key_ = SigningKey::GenerateP256();
};

TEST_F(EnrolmentTest, RedeemsACode) {
  TM_ASSERT_OK_AND_ASSIGN(const v1::EnrolResponse response, Enrol(code_, key_));
  EXPECT_EQ(response.device().device_id(), device_);
  EXPECT_EQ(response.device().state(), v1::DEVICE_STATE_ACTIVE);
  EXPECT_EQ(response.audience(), "test-audience");
}

TEST_F(EnrolmentTest, SameKeyMayRepeatAndAnotherMayNot) {
  ASSERT_THAT(Enrol(code_, key_), IsOk());
  EXPECT_THAT(Enrol(code_, key_), IsOk());
  EXPECT_EQ(ReasonOfEnrol(Enrol(code_, SigningKey::GenerateP256())),
            v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
}

TEST_F(EnrolmentTest, CodeExpires) {
  clock_.Advance(kEnrolmentCodeLife - absl::Seconds(1));
  EXPECT_THAT(Enrol(code_, key_), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(ReasonOfEnrol(Enrol(code_, key_)), v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
}

TEST_F(EnrolmentTest, FourWrongSecretsAreForgiven) {
  for (int i = 0; i < kEnrolmentAttemptsMax - 1; ++i) {
    EXPECT_EQ(ReasonOfEnrol(Enrol(WrongSecret(), key_)), v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
  }
  EXPECT_THAT(Enrol(code_, key_), IsOk());
}

TEST_F(EnrolmentTest, FiveWrongSecretsVoidTheCode) {
  for (int i = 0; i < kEnrolmentAttemptsMax; ++i) {
    EXPECT_EQ(ReasonOfEnrol(Enrol(WrongSecret(), key_)), v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
  }
  EXPECT_EQ(ReasonOfEnrol(Enrol(code_, key_)), v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
}

TEST_F(EnrolmentTest, AllWrongCodesGetTheSameWords) {
  const absl::Status unknown = Enrol(Token::Make(TokenKind::kEnrolment).ToString(), key_).status();
  EXPECT_EQ(Enrol("nonsense", key_).status(), unknown);
  EXPECT_EQ(Enrol(WrongSecret(), key_).status(), unknown);
  EXPECT_EQ(Enrol(Token::Make(TokenKind::kStaff).ToString(), key_).status(), unknown);
  EXPECT_EQ(rpc::ReasonOf(unknown), v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
}

TEST_F(EnrolmentTest, NewCodeVoidsTheOldOne) {
  v1::CreateEnrolmentCodeRequest request;
  request.set_request_id(NewRequestId());
  request.set_participant_id(participant_.ToString());
  request.set_device_id(device_);
  TM_ASSERT_OK_AND_ASSIGN(const auto made, Devices(context_).CreateEnrolmentCode(
                                               ManagerCall(study_, participant_), request));
  EXPECT_EQ(ReasonOfEnrol(Enrol(code_, key_)), v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
  EXPECT_THAT(Enrol(made.enrolment_code().code(), key_), IsOk());
}

TEST_F(EnrolmentTest, ProofMustBeByTheKey) {
  v1::EnrolRequest request;
  request.set_code(code_);
  request.set_public_key(key_.Public().Export());
  request.set_proof(SigningKey::GenerateP256().Sign(EnrolProofBytes(code_, request.public_key())));
  EXPECT_EQ(ReasonOfEnrol(Enrolment(context_, &attempts_).Enrol(request, Deadline())),
            v1::ERROR_REASON_FIELD_INVALID);
  request.set_public_key("no key");
  EXPECT_EQ(ReasonOfEnrol(Enrolment(context_, &attempts_).Enrol(request, Deadline())),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_THAT(Enrol(code_, key_), IsOk());
}

TEST_F(EnrolmentTest, RevokedDeviceCannotEnrol) {
  ASSERT_THAT(Revoke(study_, participant_, device_), IsOk());
  EXPECT_EQ(ReasonOfEnrol(Enrol(code_, key_)), v1::ERROR_REASON_ENROLMENT_CODE_INVALID);
}

TEST_F(EnrolmentTest, CodeThatIsTriedTooOftenMustWaitAndOthersNeedNot) {
  absl::Status status;
  int attempts = 0;
  while (status = Enrol(WrongSecret(), key_).status(), !absl::IsResourceExhausted(status)) {
    ASSERT_LT(++attempts, 1'000);
  }
  EXPECT_EQ(attempts, AttemptLimits().per_id.burst);
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_OVERLOADED);
  EXPECT_TRUE(rpc::RetryDelayOf(status).has_value());
  const auto other = MakeDevice(study_, participant_, "other");
  EXPECT_THAT(Enrol(other.enrolment_code().code(), SigningKey::GenerateP256()), IsOk());
}

class RotateKeyTest : public StudyFixture {
 protected:
  absl::Status Rotate(const SigningKey& key) {
    v1::RotateKeyRequest request;
    request.set_device_id(enrolled_.device.ToString());
    request.set_new_public_key(key.Public().Export());
    request.set_proof(key.Sign(RotateProofBytes(enrolled_.device, request.new_public_key())));
    return Enrolment(context_, &attempts_)
        .RotateKey(DeviceCall(enrolled_.study, enrolled_.participant, enrolled_.device), request)
        .status();
  }

  const Enrolled enrolled_ = MakeEnrolled();
};

TEST_F(RotateKeyTest, NewKeyCountsAndTheOldOneIsRefused) {
  const SigningKey next = SigningKey::GenerateP256();
  ASSERT_THAT(Rotate(next), IsOk());
  EXPECT_THAT(OpenSession(enrolled_.device, next), IsOk());
  EXPECT_EQ(rpc::ReasonOf(OpenSession(enrolled_.device, enrolled_.key).status()),
            v1::ERROR_REASON_CREDENTIAL_INVALID);
}

TEST_F(RotateKeyTest, SameNewKeyMayRepeat) {
  const SigningKey next = SigningKey::GenerateP256();
  ASSERT_THAT(Rotate(next), IsOk());
  EXPECT_THAT(Rotate(next), IsOk());
}

TEST_F(RotateKeyTest, KeyThatWasGivenUpStaysGivenUp) {
  ASSERT_THAT(Rotate(SigningKey::GenerateP256()), IsOk());
  EXPECT_EQ(rpc::ReasonOf(Rotate(enrolled_.key)), v1::ERROR_REASON_STATE_CONFLICT);
}

}  // namespace
}  // namespace tidemark::study
