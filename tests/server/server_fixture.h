// A real server in the test's own process, over a database and keys of its own, with clients.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/crypto.h"
#include "base/ids.h"
#include "base/rpc/enum_set.h"
#include "base/rpc/error.h"
#include "server/config.h"
#include "server/server.h"
#include "study/bootstrap.h"
#include "study/proofs.h"
#include "study/sql.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/access.grpc.pb.h"
#include "tidemark/v1/device.grpc.pb.h"
#include "tidemark/v1/erasure.grpc.pb.h"
#include "tidemark/v1/server.grpc.pb.h"
#include "tidemark/v1/study.grpc.pb.h"

namespace tidemark::server {

// Removed on destruction.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("tm_server_" + Uuid::MakeRandom().ToString())) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string File(const std::string& name) const { return (path_ / name).string(); }

 private:
  const std::filesystem::path path_;
};

// Settings for a server over `database`; the cluster of the tests is not durable.
inline Config TestConfig(const support::TestDatabase& database, const TemporaryFolder& folder) {
  Config config;
  config.dsn = database.SuperuserDsn();
  config.listen = "127.0.0.1:0";
  config.keys_folder = folder.File("keys");
  config.unsafe_durability = true;
  config.audience = "test-audience";
  return config;
}

inline std::string FirstOperatorToken(const support::TestDatabase& database) {
  db::Pool pool({.dsn = database.Dsn("tm_app"),
                 .connections_max = 1,
                 .statements = {study::sql::kAllStatements}});
  std::string token;
  const absl::Status made = study::CreateFirstOperator(
      pool, Clock::Real(), absl::Now() + absl::Seconds(10), [&](const std::string& text) {
        token = text;
        return absl::OkStatus();
      });
  EXPECT_THAT(made, support::IsOk());
  return token;
}

inline std::string NewRequestId() { return Uuid::MakeRandom().ToString(); }

// Calls with a bearer token, or with none.
inline void Prepare(grpc::ClientContext& context, const std::string& token) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

// Calls `stub.*method` and gives the response or the status back.
template <class Stub, class Request, class Response>
absl::StatusOr<Response> Invoke(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request, const std::string& token) {
  grpc::ClientContext context;
  Prepare(context, token);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpc(status);
  return response;
}

// A study with its manager, and one participant with an enrolled device.
struct Site {
  std::string study_id;
  std::string manager_token;
  std::string participant_id;
  std::string device_id;
  std::string session_token;
  SigningKey device_key = SigningKey::GenerateP256();
};

class ServerFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    StartServer();
    operator_token_ = FirstOperatorToken(database_);
  }
  void TearDown() override { Disconnect(); }

  // What tests that need another server change.
  virtual Config MakeConfig() const { return TestConfig(database_, folder_); }
  virtual SelfProbeOptions MakeSelfProbe() const { return {}; }
  virtual const Clock& clock() const { return Clock::Real(); }

  // Also again, over the same database and keys.
  void StartServer() {
    Disconnect();
    server_.reset();
    auto started = Server::Start(MakeConfig(), clock(), MakeSelfProbe());
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    channel_ = server_->InProcessChannel();
    studies_ = v1::StudyService::NewStub(channel_);
    devices_ = v1::DeviceService::NewStub(channel_);
  }
  void Disconnect() {
    studies_.reset();
    devices_.reset();
    channel_.reset();
  }

  // Who consents to everything since 1970, unless to nothing.
  std::string AddParticipant(const Site& site, const std::string& code, bool consents = true) {
    v1::CreateParticipantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(site.study_id);
    request.set_code(code);
    if (consents) {
      rpc::kAllKinds.ForEach([&](v1::DataKind kind) { request.add_consented(kind); });
      request.set_document("form");
      request.set_consented_from_ns(0);
    }
    const auto made =
        Invoke(*studies_, &v1::StudyService::Stub::CreateParticipant, request, site.manager_token);
    EXPECT_THAT(made, support::IsOk());
    return made.ok() ? made->participant().participant_id() : "";
  }

  void EnrolDevice(Site& site) {
    v1::CreateDeviceRequest create;
    create.set_request_id(NewRequestId());
    create.set_participant_id(site.participant_id);
    create.set_name("watch");
    const auto made =
        Invoke(*devices_, &v1::DeviceService::Stub::CreateDevice, create, site.manager_token);
    ASSERT_THAT(made, support::IsOk());
    site.device_id = made->device().device_id();
    v1::EnrolRequest enrol;
    enrol.set_code(made->enrolment_code().code());
    enrol.set_public_key(site.device_key.Public().Export());
    enrol.set_proof(site.device_key.Sign(study::EnrolProofBytes(enrol.code(), enrol.public_key())));
    ASSERT_THAT(Invoke(*devices_, &v1::DeviceService::Stub::Enrol, enrol, ""), support::IsOk());
    const auto session = OpenSession(site);
    ASSERT_THAT(session, support::IsOk());
    site.session_token = session->session_token();
  }

  // "acc" of the site's device: x and y of int16 at 100 Hz, as ingest::SamplesBody makes them.
  void DeclareAcc(const Site& site, StreamId stream) {
    v1::DeclareStreamRequest request;
    request.set_device_id(site.device_id);
    request.set_stream_id(stream.ToString());
    request.set_name("acc");
    request.set_version(1);
    v1::StreamDeclaration& declaration = *request.mutable_declaration();
    declaration.set_modality(v1::MODALITY_OTHER);
    declaration.mutable_nominal_rate()->set_numerator(100);
    declaration.mutable_nominal_rate()->set_denominator(1);
    for (const char* name : {"x", "y"}) {
      v1::Channel& channel = *declaration.add_channels();
      channel.set_name(name);
      channel.set_unit("1");
      channel.set_type(v1::CHANNEL_TYPE_INT16);
    }
    ASSERT_THAT(
        Invoke(*devices_, &v1::DeviceService::Stub::DeclareStream, request, site.session_token),
        support::IsOk());
  }

  // Asks for the erasure of the site's participant and waits until it is done.
  void EraseParticipant(const Site& site) {
    const auto erasures = v1::ErasureService::NewStub(channel_);
    v1::EraseParticipantRequest erase;
    erase.set_request_id(NewRequestId());
    erase.set_participant_id(site.participant_id);
    erase.set_confirm_code("p1");
    erase.set_reason("asked by letter");
    const auto asked =
        Invoke(*erasures, &v1::ErasureService::Stub::EraseParticipant, erase, site.manager_token);
    ASSERT_THAT(asked, support::IsOk());
    v1::GetErasureRequest look;
    look.set_study_id(site.study_id);
    look.set_erasure_id(asked->erasure().erasure_id());
    v1::ErasureState state = v1::ERASURE_STATE_RUNNING;
    const absl::Time last = absl::Now() + absl::Seconds(20);
    while (state != v1::ERASURE_STATE_DONE && absl::Now() < last) {
      const auto found =
          Invoke(*erasures, &v1::ErasureService::Stub::GetErasure, look, site.manager_token);
      ASSERT_THAT(found, support::IsOk());
      state = found->erasure().state();
    }
    ASSERT_EQ(state, v1::ERASURE_STATE_DONE);
  }

  absl::StatusOr<v1::OpenSessionResponse> OpenSession(const Site& site) {
    v1::RequestChallengeRequest ask;
    ask.set_device_id(site.device_id);
    const auto challenge = Invoke(*devices_, &v1::DeviceService::Stub::RequestChallenge, ask, "");
    if (!challenge.ok()) return challenge.status();
    v1::OpenSessionRequest open;
    open.set_device_id(site.device_id);
    open.set_challenge(challenge->challenge());
    open.set_signature(site.device_key.Sign(study::SessionProofBytes(
        "test-audience", *DeviceId::Parse(site.device_id), open.challenge())));
    return Invoke(*devices_, &v1::DeviceService::Stub::OpenSession, open, "");
  }

  // Sound, pictures and places too, which nobody may read unless they are named.
  void GrantEveryKind(const Site& site, const std::string& manager_id) {
    const auto access = v1::AccessService::NewStub(channel_);
    v1::SetGrantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(site.study_id);
    request.set_principal_id(manager_id);
    request.set_role(v1::ROLE_MANAGER);
    for (int kind = 1; v1::DataKind_IsValid(kind); ++kind) {
      request.mutable_data_kinds()->add_kinds(static_cast<v1::DataKind>(kind));
    }
    EXPECT_THAT(Invoke(*access, &v1::AccessService::Stub::SetGrant, request, operator_token_),
                support::IsOk());
  }

  Site MakeSite(const std::string& name) {
    Site site;
    v1::CreateStudyRequest study;
    study.set_request_id(NewRequestId());
    study.set_name(name);
    const auto made =
        Invoke(*studies_, &v1::StudyService::Stub::CreateStudy, study, operator_token_);
    EXPECT_THAT(made, support::IsOk());
    if (!made.ok()) return site;
    site.study_id = made->study().study_id();
    v1::CreateManagerRequest manager;
    manager.set_request_id(NewRequestId());
    manager.set_study_id(site.study_id);
    manager.set_display_name("Ada");
    const auto managed =
        Invoke(*studies_, &v1::StudyService::Stub::CreateManager, manager, operator_token_);
    EXPECT_THAT(managed, support::IsOk());
    if (!managed.ok()) return site;
    site.manager_token = managed->token();
    GrantEveryKind(site, managed->principal_id());
    site.participant_id = AddParticipant(site, "p1");
    EnrolDevice(site);
    return site;
  }

  const TemporaryFolder folder_;
  const support::TestDatabase database_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::StudyService::Stub> studies_;
  std::unique_ptr<v1::DeviceService::Stub> devices_;
  std::string operator_token_;
};

}  // namespace tidemark::server
