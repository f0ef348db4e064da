// quarantine list | show | download | redrive | discard.
#include <fmt/format.h>

#include "base/base64.h"
#include "cli/command.h"
#include "cli/output.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

struct QuarantineOptions {
  std::string participant;
  std::string id;
  std::string out;
  std::string reason;
  bool all = false;
};

std::string ShortName(std::string name, std::string_view prefix) {
  if (name.starts_with(prefix)) name.erase(0, prefix.size());
  return name;
}

std::string QuarantineStateName(v1::QuarantineState state) {
  return ShortName(v1::QuarantineState_Name(state), "QUARANTINE_STATE_");
}

std::string ReasonName(v1::ReceiptReason reason) {
  return ShortName(v1::ReceiptReason_Name(reason), "RECEIPT_REASON_");
}

absl::Status ListQuarantine(Context& context, const QuarantineOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListQuarantineRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  if (!options.all) request.set_state(v1::QUARANTINE_STATE_HELD);
  TM_ASSIGN_OR_RETURN(const auto list,
                      api->List(*api->ingest, &v1::IngestService::Stub::ListQuarantine, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"ID", "SINCE", "STATE", "REASON", "STREAM", "NUMBER", "BYTES", "DETAIL"});
  for (const v1::QuarantinedChunk& chunk : list.chunks()) {
    table.AddRow({chunk.quarantine_id(), FormatTime(chunk.quarantined_at()),
                  QuarantineStateName(chunk.state()), ReasonName(chunk.reason()), chunk.stream_id(),
                  std::to_string(chunk.number()), FormatCount(chunk.body_bytes()), chunk.detail()});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

absl::StatusOr<v1::GetQuarantinedResponse> Get(const Api& api, const QuarantineOptions& options) {
  v1::GetQuarantinedRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api.ParticipantId(options.participant));
  request.set_quarantine_id(options.id);
  return api.Call(*api.ingest, &v1::IngestService::Stub::GetQuarantined, request);
}

absl::Status ShowQuarantined(Context& context, const QuarantineOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto response, Get(*api, options));
  Json json = ToJson(response.chunk());
  json.Set("sha256", HexEncode(response.chunk().sha256()));
  PrintJson(json);
  return absl::OkStatus();
}

absl::Status Download(Context& context, const QuarantineOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto response, Get(*api, options));
  if (options.out.empty()) {
    PrintData(response.body());
    return absl::OkStatus();
  }
  TM_RETURN_IF_ERROR(ingest::WriteFileDurably(options.out, response.body()));
  context.progress().Say(fmt::format("wrote {} ({} bytes)", options.out, response.body().size()));
  return absl::OkStatus();
}

absl::Status Redrive(Context& context, const QuarantineOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::RedriveQuarantinedRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  request.set_quarantine_id(options.id);
  TM_ASSIGN_OR_RETURN(
      const auto response,
      api->Call(*api->ingest, &v1::IngestService::Stub::RedriveQuarantined, request));
  if (context.json()) {
    PrintJson(response);
  } else {
    PrintData(fmt::format("{} {}\n", ShortName(v1::Outcome_Name(response.outcome()), "OUTCOME_"),
                          ReasonName(response.reason())));
  }
  return absl::OkStatus();
}

absl::Status Discard(Context& context, const QuarantineOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::DiscardQuarantinedRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  request.set_quarantine_id(options.id);
  request.set_reason(options.reason);
  TM_ASSIGN_OR_RETURN(
      const auto response,
      api->Call(*api->ingest, &v1::IngestService::Stub::DiscardQuarantined, request));
  if (context.json()) {
    PrintJson(response.chunk());
  } else {
    PrintData(QuarantineStateName(response.chunk().state()) + "\n");
  }
  return absl::OkStatus();
}

}  // namespace

void AddQuarantineCommands(Commands& commands) {
  const flags::Command quarantine =
      commands.Noun("quarantine", "Chunks that were set aside with a reason");
  const auto options = std::make_shared<QuarantineOptions>();
  const auto verb = [&](const char* name, const char* description,
                        absl::Status (*run)(Context&, const QuarantineOptions&)) -> flags::Command {
    const flags::Command app =
        commands.Verb(quarantine, name, description,
                      [options, run](Context& context) { return run(context, *options); });
    app.AddOption("--participant", options->participant, "Id or STUDY/CODE").Required();
    return app;
  };
  const auto verb_on_one = [&](const char* name, const char* description, auto run) {
    const flags::Command one = verb(name, description, run);
    one.AddOption("id", options->id, "As `quarantine list` prints it").Required();
    return one;
  };
  verb("list", "List what is held, oldest first", ListQuarantine)
      .AddFlag("--all", options->all, "Redriven and discarded ones too");
  verb_on_one("show", "One entry as JSON, without its bytes", ShowQuarantined);
  verb_on_one("download", "The body exactly as it was sent", Download)
      .AddOption("--out", options->out, "File to write; without: stdout");
  verb_on_one("redrive", "Run admission again: after a stream was declared", Redrive);
  verb_on_one("discard", "Destroy the bytes of one entry for good", Discard)
      .AddOption("--reason", options->reason, "Why, 1 to 256 bytes")
      .Required();
}

}  // namespace tidemark::cli
