// participant roster import | codes.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/participant_care.h"
#include "cli/qr_sheet.h"
#include "cli/roster.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

// Entries of one call: each makes a key, which is synced.
constexpr size_t kEntriesPerCall = 200;

struct RosterOptions {
  std::string study;
  std::string file;
  std::string device;
  std::string out;
};

absl::Status ImportRoster(Context& context, const RosterOptions& options) {
  TM_ASSIGN_OR_RETURN(const std::vector<v1::RosterEntry> entries, ReadRoster(options.file));
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ImportRosterRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  v1::ImportRosterResponse all;
  for (size_t begin = 0; begin < entries.size(); begin += kEntriesPerCall) {
    const size_t end = std::min(entries.size(), begin + kEntriesPerCall);
    request.set_request_id(NewRequestId());
    request.clear_entries();
    for (size_t i = begin; i < end; ++i) *request.add_entries() = entries[i];
    TM_ASSIGN_OR_RETURN(
        auto entered,
        api->Call(*api->participants, &v1::ParticipantService::Stub::ImportRoster, request));
    all.set_created(all.created() + entered.created());
    all.mutable_participants()->MergeFrom(entered.participants());
    context.progress().Say(
        fmt::format("{} of {} lines", FormatCount(end), FormatCount(entries.size())));
  }
  if (context.json()) {
    PrintJson(all);
  } else {
    PrintData(fmt::format("{} entered, {} were there\n", FormatCount(all.created()),
                          FormatCount(entries.size() - all.created())));
  }
  return absl::OkStatus();
}

// A code for the device of this name of every active participant; those who enrolled it are left.
absl::StatusOr<std::vector<CodeLabel>> MakeCodes(Context& context, const Api& api,
                                                 const RosterOptions& options) {
  v1::ListParticipantsRequest list;
  TM_ASSIGN_OR_RETURN(*list.mutable_study_id(), api.StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const auto participants,
                      api.List(*api.studies, &v1::StudyService::Stub::ListParticipants, list));
  std::vector<CodeLabel> labels;
  for (const v1::Participant& participant : participants.participants()) {
    if (participant.state() != v1::PARTICIPANT_STATE_ACTIVE) continue;
    v1::CreateDeviceRequest request;
    request.set_request_id(NewRequestId());
    request.set_participant_id(participant.participant_id());
    request.set_name(options.device);
    const auto made = api.Call(*api.devices, &v1::DeviceService::Stub::CreateDevice, request);
    if (absl::IsAlreadyExists(made.status())) {
      context.progress().Say(participant.code() + ": enrolled already");
      continue;
    }
    if (!made.ok()) return made.status();
    labels.push_back({participant.code(), options.device, made->enrolment_code().code(),
                      FormatTime(made->enrolment_code().expires_at())});
  }
  return labels;
}

absl::Status Codes(Context& context, const RosterOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::vector<CodeLabel> labels, MakeCodes(context, *api, options));
  if (!options.out.empty()) {
    TM_ASSIGN_OR_RETURN(const std::string svg, QrSheet(labels));
    TM_RETURN_IF_ERROR(ingest::WriteFileDurably(options.out, svg, 0600));
    context.progress().Say(fmt::format("{} codes in {}", labels.size(), options.out));
    return absl::OkStatus();
  }
  Table table({"PARTICIPANT", "DEVICE", "CODE", "EXPIRES"});
  for (const CodeLabel& label : labels) {
    table.AddRow({label.participant, label.device, label.code, label.expires});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

}  // namespace

void AddRosterVerbs(Commands& commands, const flags::Command& participant) {
  const auto options = std::make_shared<RosterOptions>();
  const flags::Command roster =
      participant.AddCommand("roster", "Many participants at once, from a table");
  const flags::Command import =
      commands.Verb(roster, "import", "Enter the participants of a CSV file; repeat it at will",
                    [options](Context& context) { return ImportRoster(context, *options); });
  import.AddOption("file", options->file, "Columns code, consent, document, age_from, ...")
      .Required();
  const flags::Command codes = commands.Verb(
      roster, "codes", "Make an enrolment code for everybody, as text or as a sheet of QR codes",
      [options](Context& context) { return Codes(context, *options); });
  codes.AddOption("--device", options->device, "Name of the device, such as watch-left").Required();
  codes.AddOption("--svg", options->out, "Write a sheet to print to this file (mode 0600)");
  for (const flags::Command& verb : {import, codes}) {
    verb.AddOption("--study", options->study, "Id or name").Required();
  }
}

}  // namespace tidemark::cli
