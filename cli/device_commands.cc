// device create | code | list | revoke (managers), enrol | rotate-key (the device itself).
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "ingest/client/identity.h"
#include "ingest/client/session.h"

namespace tidemark::cli {
namespace {

struct DeviceOptions {
  std::string participant;
  std::string device;
  std::string folder;
  std::string code;
};

std::string DeviceStateName(v1::DeviceState state) {
  switch (state) {
    case v1::DEVICE_STATE_PENDING:
      return "pending";
    case v1::DEVICE_STATE_ACTIVE:
      return "active";
    case v1::DEVICE_STATE_REVOKED:
      return "revoked";
    default:
      return "unknown";
  }
}

void PrintCode(const std::string& device_id, const v1::EnrolmentCode& code) {
  PrintData(fmt::format("device   {}\ncode     {}\nexpires  {}\n", device_id, code.code(),
                        FormatTime(code.expires_at())));
}

absl::Status CreateDevice(Context& context, const DeviceOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateDeviceRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  request.set_name(options.device);
  TM_ASSIGN_OR_RETURN(const auto response,
                      api->Call(*api->devices, &v1::DeviceService::Stub::CreateDevice, request));
  if (context.json()) {
    PrintJson(response);
  } else {
    PrintCode(response.device().device_id(), response.enrolment_code());
  }
  return absl::OkStatus();
}

absl::Status MakeCode(Context& context, const DeviceOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateEnrolmentCodeRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(*request.mutable_device_id(),
                      api->DeviceId(request.participant_id(), options.device));
  TM_ASSIGN_OR_RETURN(
      const auto response,
      api->Call(*api->devices, &v1::DeviceService::Stub::CreateEnrolmentCode, request));
  if (context.json()) {
    PrintJson(response);
  } else {
    PrintCode(request.device_id(), response.enrolment_code());
  }
  return absl::OkStatus();
}

absl::Status ListDevices(Context& context, const DeviceOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListDevicesRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(const auto list,
                      api->List(*api->devices, &v1::DeviceService::Stub::ListDevices, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"DEVICE", "ID", "STATE", "CREATED"});
  for (const v1::Device& device : list.devices()) {
    table.AddRow({device.name(), device.device_id(), DeviceStateName(device.state()),
                  FormatTime(device.created_at())});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

absl::Status RevokeDevice(Context& context, const DeviceOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::RevokeDeviceRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(*request.mutable_device_id(),
                      api->DeviceId(request.participant_id(), options.device));
  TM_ASSIGN_OR_RETURN(const auto response,
                      api->Call(*api->devices, &v1::DeviceService::Stub::RevokeDevice, request));
  if (context.json()) {
    PrintJson(response.device());
  } else {
    PrintData(fmt::format("{} {}\n", response.device().device_id(),
                          DeviceStateName(response.device().state())));
  }
  return absl::OkStatus();
}

absl::Status Enrol(Context& context, const DeviceOptions& options) {
  TM_ASSIGN_OR_RETURN(const auto channel, ingest::Connect(context.address()));
  TM_ASSIGN_OR_RETURN(
      const ingest::Identity identity,
      ingest::Identity::Enrol(channel, context.address(), options.folder, options.code));
  if (context.json()) {
    PrintJson(Json::Object({{"device_id", identity.device_id().ToString()},
                            {"participant_id", identity.participant_id().ToString()},
                            {"name", identity.name()},
                            {"folder", options.folder}}));
  } else {
    PrintData(identity.device_id().ToString() + "\n");
  }
  return absl::OkStatus();
}

absl::Status RotateKey(Context& context, const DeviceOptions& options) {
  TM_ASSIGN_OR_RETURN(ingest::Identity identity, ingest::Identity::Load(options.folder));
  TM_ASSIGN_OR_RETURN(const auto channel, ingest::Connect(identity.address()));
  ingest::DeviceSession session(channel, identity, Clock::Real());
  TM_RETURN_IF_ERROR(session.RotateKey());
  context.progress().Say("The device has a new key; the old one is refused from now on.");
  return absl::OkStatus();
}

}  // namespace

void AddDeviceCommands(Commands& commands) {
  const flags::Command device = commands.Noun("device", "Devices of a participant, and being one");
  const auto options = std::make_shared<DeviceOptions>();
  const auto verb = [&](const char* name, const char* description,
                        absl::Status (*run)(Context&, const DeviceOptions&)) -> flags::Command {
    return commands.Verb(device, name, description,
                         [options, run](Context& context) { return run(context, *options); });
  };
  const auto with_participant = [&](flags::Command app) -> flags::Command {
    app.AddOption("--participant", options->participant, "Id or STUDY/CODE").Required();
    return app;
  };
  with_participant(verb("create", "Make a device and a code to enrol it with", CreateDevice))
      .AddOption("name", options->device, "Such as watch-left")
      .Required();
  with_participant(verb("code", "Make a new enrolment code; earlier ones are void", MakeCode))
      .AddOption("device", options->device, "Id or name")
      .Required();
  with_participant(verb("list", "List the devices of a participant", ListDevices));
  with_participant(verb("revoke", "End a device for good; its data stays", RevokeDevice))
      .AddOption("device", options->device, "Id or name")
      .Required();
  const flags::Command enrol =
      verb("enrol", "Become a device: make a key in a folder and redeem a code", Enrol);
  enrol.AddOption("--folder", options->folder, "Folder of the device; made if missing").Required();
  enrol.AddOption("--code", options->code, "As `device create` printed it").Required();
  verb("rotate-key", "Replace the key of an enrolled device", RotateKey)
      .AddOption("--folder", options->folder, "Folder of the device")
      .Required();
}

}  // namespace tidemark::cli
