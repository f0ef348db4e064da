// stream list | show | verify.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/modality.h"
#include "cli/output.h"
#include "cli/stream_verify.h"
#include "cli/upload_state.h"

namespace tidemark::cli {
namespace {

struct StreamOptions {
  std::string participant;
  std::string device;
  std::string stream;
  bool all_versions = false;
};

std::string RateOf(const v1::StreamDeclaration& declaration) {
  const v1::Rational& rate = declaration.nominal_rate();
  if (rate.denominator() == 0) return "-";
  return fmt::format("{:g}/s", static_cast<double>(rate.numerator()) / rate.denominator());
}

std::string ChannelsOf(const v1::StreamDeclaration& declaration) {
  std::string text;
  for (const v1::Channel& channel : declaration.channels()) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}:{}", channel.name(), channel.unit());
  }
  return text.empty() ? declaration.media_type() : text;
}

absl::Status ListStreams(Context& context, const StreamOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListStreamsRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  if (!options.device.empty()) {
    TM_ASSIGN_OR_RETURN(*request.mutable_device_id(),
                        api->DeviceId(request.participant_id(), options.device));
  }
  request.set_all_versions(options.all_versions);
  TM_ASSIGN_OR_RETURN(const auto list,
                      api->List(*api->devices, &v1::DeviceService::Stub::ListStreams, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"STREAM", "VERSION", "MODALITY", "RATE", "CHANNELS", "ID", "DEVICE"});
  for (const v1::Stream& stream : list.streams()) {
    const v1::StreamDeclaration& declaration = stream.declaration();
    table.AddRow({stream.name(), std::to_string(stream.version()),
                  ModalityName(declaration.modality()), RateOf(declaration),
                  ChannelsOf(declaration), stream.stream_id(), stream.device_id()});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

// By the server's clock.
absl::StatusOr<int64_t> ServerNowNs(const Api& api) {
  TM_ASSIGN_OR_RETURN(
      const auto info,
      api.Call(*api.server, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest()));
  return info.server_time().seconds() * 1'000'000'000 + info.server_time().nanos();
}

// What the server has of it, outbox by outbox.
absl::StatusOr<Json> UploadOf(const Api& api, const std::string& participant,
                              const std::string& stream_id) {
  v1::GetUploadStateRequest request;
  request.set_participant_id(participant);
  request.set_stream_id(stream_id);
  TM_ASSIGN_OR_RETURN(const int64_t now_ns, ServerNowNs(api));
  TM_ASSIGN_OR_RETURN(const auto state,
                      api.List(*api.ingest, &v1::IngestService::Stub::GetUploadState, request));
  Json writers = Json::Array();
  for (const v1::WriterState& writer : state.writers()) {
    writers.Append(DescribeWriter(writer, now_ns));
  }
  return writers;
}

absl::Status ShowStream(Context& context, const StreamOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string participant, api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(const v1::Stream stream, api->Stream(participant, options.stream));
  // A declaration is a tree: JSON is its readable form, too.
  Json json = ToJson(stream);
  auto upload = UploadOf(*api, participant, stream.stream_id());
  // Whoever may read declarations may not need to know how the upload goes.
  if (!absl::IsPermissionDenied(upload.status())) {
    TM_RETURN_IF_ERROR(upload.status());
    json.Set("upload", *std::move(upload));
  }
  PrintJson(json);
  return absl::OkStatus();
}

}  // namespace

void AddStreamCommands(Commands& commands) {
  const flags::Command stream = commands.Noun("stream", "What the devices of a participant record");
  const auto options = std::make_shared<StreamOptions>();
  const flags::Command list =
      commands.Verb(stream, "list", "List streams",
                    [options](Context& context) { return ListStreams(context, *options); });
  list.AddOption("--participant", options->participant, "Id or STUDY/CODE").Required();
  list.AddOption("--device", options->device, "Only this one: id or name");
  list.AddFlag("--all-versions", options->all_versions, "Not only the newest of each");
  const flags::Command show =
      commands.Verb(stream, "show", "One declaration and how its upload stands, as JSON",
                    [options](Context& context) { return ShowStream(context, *options); });
  show.AddOption("--participant", options->participant, "Id or STUDY/CODE").Required();
  show.AddOption("stream", options->stream, "Id, NAME or DEVICE/NAME").Required();
  AddStreamVerifyCommand(commands, stream);
}

}  // namespace tidemark::cli
