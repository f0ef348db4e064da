#include "study/devices.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class DevicesTest : public StudyFixture {
 protected:
  absl::StatusOr<v1::CreateDeviceResponse> Create(const std::string& name) {
    v1::CreateDeviceRequest request;
    request.set_request_id(NewRequestId());
    request.set_participant_id(participant_.ToString());
    request.set_name(name);
    return devices_.Create(ManagerCall(study_, participant_), request);
  }

  const Devices devices_{context_};
  const StudyId study_ = MakeStudy();
  const ParticipantId participant_ = MakeParticipant(study_);
};

TEST_F(DevicesTest, PendingDeviceOfTheSameNameGetsANewCode) {
  TM_ASSERT_OK_AND_ASSIGN(const auto first, Create("watch"));
  TM_ASSERT_OK_AND_ASSIGN(const auto second, Create("watch"));
  EXPECT_EQ(first.device().device_id(), second.device().device_id());
  EXPECT_FALSE(Enrol(first.enrolment_code().code(), SigningKey::GenerateP256()).ok());
  EXPECT_THAT(Enrol(second.enrolment_code().code(), SigningKey::GenerateP256()), IsOk());
  EXPECT_EQ(rpc::ReasonOf(Create("watch").status()), v1::ERROR_REASON_ALREADY_EXISTS);
}

TEST_F(DevicesTest, NameHasARule) {
  EXPECT_EQ(rpc::ReasonOf(Create("").status()), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(rpc::ReasonOf(Create(std::string("a\0b", 3)).status()), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(DevicesTest, EnrolledDeviceGetsNoNewCode) {
  TM_ASSERT_OK_AND_ASSIGN(const auto made, Create("watch"));
  ASSERT_THAT(Enrol(made.enrolment_code().code(), SigningKey::GenerateP256()), IsOk());
  v1::CreateEnrolmentCodeRequest request;
  request.set_request_id(NewRequestId());
  request.set_device_id(made.device().device_id());
  EXPECT_EQ(rpc::ReasonOf(
                devices_.CreateEnrolmentCode(ManagerCall(study_, participant_), request).status()),
            v1::ERROR_REASON_STATE_CONFLICT);
}

TEST_F(DevicesTest, RevokingTwiceIsFineAndUnknownIsNotFound) {
  TM_ASSERT_OK_AND_ASSIGN(const auto made, Create("watch"));
  TM_ASSERT_OK_AND_ASSIGN(const auto revoked,
                          Revoke(study_, participant_, made.device().device_id()));
  EXPECT_EQ(revoked.device().state(), v1::DEVICE_STATE_REVOKED);
  EXPECT_THAT(Revoke(study_, participant_, made.device().device_id()), IsOk());
  EXPECT_EQ(rpc::ReasonOf(Revoke(study_, participant_, DeviceId::MakeV7().ToString()).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(DevicesTest, DeviceOfAnotherParticipantIsNotFound) {
  const ParticipantId other = MakeParticipant(study_, "p2");
  const std::string foreign = MakeDevice(study_, other).device().device_id();
  EXPECT_EQ(rpc::ReasonOf(Revoke(study_, participant_, foreign).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(DevicesTest, ListIsOldestFirstInPages) {
  std::vector<std::string> made;
  for (const char* name : {"a", "b", "c"}) {
    clock_.Advance(absl::Milliseconds(2));
    TM_ASSERT_OK_AND_ASSIGN(const auto device, Create(name));
    made.push_back(device.device().device_id());
  }
  v1::ListDevicesRequest request;
  request.set_page_size(2);
  std::vector<std::string> listed;
  do {
    TM_ASSERT_OK_AND_ASSIGN(const auto page,
                            devices_.List(ManagerCall(study_, participant_), request));
    for (const auto& device : page.devices()) listed.push_back(device.device_id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, made);
}

}  // namespace
}  // namespace tidemark::study
