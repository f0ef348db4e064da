#include "tests/bench/fleet.h"

#include <fmt/format.h>

#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/api.h"
#include "ingest/client/durable_file.h"
#include "ingest/client/session.h"
#include "tests/bench/motion_stream.h"

namespace tidemark::bench {
namespace {

constexpr size_t kTokenFileBytesMax = 4'096;

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  TM_ASSIGN_OR_RETURN(std::string token, ingest::ReadFile(path, kTokenFileBytesMax));
  token.erase(token.find_last_not_of('\n') + 1);
  return token;
}

class Enroller {
 public:
  static absl::StatusOr<Enroller> Make(const FleetOptions& options);

  absl::StatusOr<FleetDevice> Enrol(int index) const;
  const std::string& manager_token() const { return manager_->token(); }

 private:
  Enroller(const FleetOptions& options, std::string run, std::unique_ptr<cli::Api> manager,
           std::string study_id)
      : options_(options),
        run_(std::move(run)),
        manager_(std::move(manager)),
        study_id_(std::move(study_id)) {}

  absl::StatusOr<std::string> AddParticipant(int index) const;

  FleetOptions options_;
  std::string run_;
  std::unique_ptr<cli::Api> manager_;
  std::string study_id_;
};

absl::StatusOr<Enroller> Enroller::Make(const FleetOptions& options) {
  TM_ASSIGN_OR_RETURN(const auto channel, ingest::Connect({options.server, ""}));
  TM_ASSIGN_OR_RETURN(std::string token, ReadToken(options.operator_token_file));
  const cli::Api as_operator(channel, std::move(token));
  std::string run = Uuid::MakeV7().ToString();

  v1::CreateStudyRequest study;
  study.set_request_id(cli::NewRequestId());
  study.set_name("bench-" + run);
  TM_ASSIGN_OR_RETURN(
      const auto studied,
      as_operator.Call(*as_operator.studies, &v1::StudyService::Stub::CreateStudy, study));
  v1::CreateManagerRequest manager;
  manager.set_request_id(cli::NewRequestId());
  manager.set_study_id(studied.study().study_id());
  manager.set_display_name("bench");
  TM_ASSIGN_OR_RETURN(
      const auto managed,
      as_operator.Call(*as_operator.studies, &v1::StudyService::Stub::CreateManager, manager));
  return Enroller(options, std::move(run), std::make_unique<cli::Api>(channel, managed.token()),
                  studied.study().study_id());
}

absl::StatusOr<std::string> Enroller::AddParticipant(int index) const {
  v1::CreateParticipantRequest request;
  request.set_request_id(cli::NewRequestId());
  request.set_study_id(study_id_);
  request.set_code(fmt::format("p{}", index));
  for (const auto kind : {v1::DATA_KIND_MOTION, v1::DATA_KIND_DEVICE, v1::DATA_KIND_OTHER}) {
    request.add_consented(kind);
  }
  request.set_document("bench");
  request.set_consented_from_ns(0);
  TM_ASSIGN_OR_RETURN(
      const auto entered,
      manager_->Call(*manager_->studies, &v1::StudyService::Stub::CreateParticipant, request));
  return entered.participant().participant_id();
}

absl::StatusOr<FleetDevice> Enroller::Enrol(int index) const {
  TM_ASSIGN_OR_RETURN(const std::string participant, AddParticipant(index));
  v1::CreateDeviceRequest create;
  create.set_request_id(cli::NewRequestId());
  create.set_participant_id(participant);
  create.set_name("watch");
  TM_ASSIGN_OR_RETURN(
      const auto made,
      manager_->Call(*manager_->devices, &v1::DeviceService::Stub::CreateDevice, create));

  const ingest::ServerAddress address{.target = options_.server, .ca_file = ""};
  FleetDevice device;
  TM_ASSIGN_OR_RETURN(device.channel, ingest::Connect(address));
  TM_ASSIGN_OR_RETURN(auto identity,
                      ingest::Identity::Enrol(device.channel, address,
                                              fmt::format("{}/{}-{}", options_.work, run_, index),
                                              made.enrolment_code().code()));
  TM_ASSIGN_OR_RETURN(device.token,
                      ingest::DeviceSession(device.channel, identity, Clock::Real()).Token());
  device.participant_id = identity.participant_id();
  device.device_id = identity.device_id();
  device.stream_id = StreamId::MakeV7();
  const cli::Api as_device(device.channel, device.token);
  TM_RETURN_IF_ERROR(as_device
                         .Call(*as_device.devices, &v1::DeviceService::Stub::DeclareStream,
                               DeclareMotion(device.device_id, device.stream_id, options_.channels))
                         .status());
  return device;
}

}  // namespace

absl::StatusOr<Fleet> EnrolFleet(const FleetOptions& options) {
  TM_ASSIGN_OR_RETURN(const Enroller enroller, Enroller::Make(options));
  Fleet fleet;
  fleet.manager_token = enroller.manager_token();
  for (int i = 0; i < options.devices; ++i) {
    TM_ASSIGN_OR_RETURN(FleetDevice device, enroller.Enrol(i));
    fleet.devices.push_back(std::move(device));
  }
  return fleet;
}

}  // namespace tidemark::bench
