// A migrated database, a key store in a folder and a clock that stands still: what tests of study/
// work on, and short ways to the people and devices they need.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db/pool.h"
#include "base/rpc/reason.h"
#include "study/call.h"
#include "study/context.h"
#include "study/devices.h"
#include "study/enrolment.h"
#include "study/proofs.h"
#include "study/sessions.h"
#include "study/sql.h"
#include "study/studies.h"
#include "study/token.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::study {

inline std::string NewRequestId() { return Uuid::MakeRandom().ToString(); }

class StudyFixture : public ::testing::Test {
 protected:
  StudyFixture()
      : folder_(std::filesystem::temp_directory_path() /
                ("tm_study_" + Uuid::MakeRandom().ToString())),
        pool_({.dsn = support::TestDatabase::Shared().Dsn("tm_app"),
               .connections_max = 4,
               .statements = {sql::kAllStatements}}) {
    auto keys = store::OpenFolderKeyStore({.folder = folder_.string(), .kek_path = ""});
    if (!keys.ok()) ADD_FAILURE() << keys.status();
    keys_ = *std::move(keys);
    context_ = {&pool_, keys_.get(), &clock_, "test-audience"};
  }
  ~StudyFixture() override { std::filesystem::remove_all(folder_); }

  static absl::Time Deadline() { return absl::Now() + absl::Seconds(20); }

  Call OperatorCall() const {
    Call call;
    call.principal_id = operator_;
    call.is_operator = true;
    call.deadline = Deadline();
    return call;
  }
  Call ManagerCall(StudyId study) const {
    Call call = OperatorCall();
    call.principal_id = manager_;
    call.study_id = study;
    call.is_operator = false;
    call.scope = db::AccessScope::Study(study);
    return call;
  }
  Call ManagerCall(StudyId study, ParticipantId participant) const {
    Call call = ManagerCall(study);
    call.participant_id = participant;
    call.scope = db::AccessScope::Participant(participant);
    return call;
  }
  Call DeviceCall(StudyId study, ParticipantId participant, DeviceId device) const {
    Call call = ManagerCall(study, participant);
    call.principal_id = PrincipalId{device.uuid};
    call.device_id = device;
    return call;
  }

  StudyId MakeStudy() {
    v1::CreateStudyRequest request;
    request.set_request_id(NewRequestId());
    request.set_name("s" + Uuid::MakeRandom().ToString());
    const auto made = Studies(context_).Create(OperatorCall(), request);
    EXPECT_THAT(made, support::IsOk());
    return *StudyId::Parse(made->study().study_id());
  }
  ParticipantId MakeParticipant(StudyId study, const std::string& code = "p1") {
    v1::CreateParticipantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(study.ToString());
    request.set_code(code);
    const auto made = Studies(context_).CreateParticipant(ManagerCall(study), request);
    EXPECT_THAT(made, support::IsOk());
    return *ParticipantId::Parse(made->participant().participant_id());
  }
  v1::CreateDeviceResponse MakeDevice(StudyId study, ParticipantId participant,
                                      const std::string& name = "watch") {
    v1::CreateDeviceRequest request;
    request.set_request_id(NewRequestId());
    request.set_participant_id(participant.ToString());
    request.set_name(name);
    const auto made = Devices(context_).Create(ManagerCall(study, participant), request);
    EXPECT_THAT(made, support::IsOk());
    return *made;
  }
  absl::StatusOr<v1::EnrolResponse> Enrol(const std::string& code, const SigningKey& key) {
    v1::EnrolRequest request;
    request.set_code(code);
    request.set_public_key(key.Public().Export());
    request.set_proof(key.Sign(EnrolProofBytes(code, request.public_key())));
    return Enrolment(context_, &attempts_).Enrol(request, Deadline());
  }
  absl::StatusOr<v1::RevokeDeviceResponse> Revoke(StudyId study, ParticipantId participant,
                                                  const std::string& device) {
    v1::RevokeDeviceRequest request;
    request.set_request_id(NewRequestId());
    request.set_participant_id(participant.ToString());
    request.set_device_id(device);
    return Devices(context_).Revoke(ManagerCall(study, participant), request);
  }

  // An enrolled device with everything that leads to it.
  struct Enrolled {
    StudyId study;
    ParticipantId participant;
    DeviceId device;
    SigningKey key = SigningKey::GenerateP256();
  };
  Enrolled MakeEnrolled() {
    Enrolled made;
    made.study = MakeStudy();
    made.participant = MakeParticipant(made.study);
    const v1::CreateDeviceResponse device = MakeDevice(made.study, made.participant);
    made.device = *DeviceId::Parse(device.device().device_id());
    EXPECT_THAT(Enrol(device.enrolment_code().code(), made.key), support::IsOk());
    return made;
  }

  // Signs a challenge; `challenge` empty: asks for one first.
  absl::StatusOr<v1::OpenSessionResponse> OpenSession(DeviceId device, const SigningKey& key,
                                                      std::string challenge = "") {
    const Sessions sessions(context_, &attempts_);
    if (challenge.empty()) challenge = NewChallenge(device);
    v1::OpenSessionRequest request;
    request.set_device_id(device.ToString());
    request.set_challenge(challenge);
    request.set_signature(key.Sign(SessionProofBytes(context_.audience, device, challenge)));
    return sessions.Open(request, Deadline());
  }
  std::string NewChallenge(DeviceId device) {
    v1::RequestChallengeRequest request;
    request.set_device_id(device.ToString());
    return Sessions(context_, &attempts_).RequestChallenge(request, Deadline())->challenge();
  }

  std::filesystem::path folder_;
  ManualClock clock_{absl::Now()};
  AttemptLimiter attempts_{&clock_};
  db::Pool pool_;
  std::unique_ptr<store::KeyStore> keys_;
  Context context_;
  const PrincipalId operator_ = PrincipalId::MakeV7();
  const PrincipalId manager_ = PrincipalId::MakeV7();
};

}  // namespace tidemark::study
