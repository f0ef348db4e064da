// participant create | list, and the nouns and verbs that other files add.
#include "cli/command.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/participant_care.h"
#include "cli/time_option.h"

namespace tidemark::cli {
namespace {

struct ParticipantOptions {
  std::string study;
  std::string code;
  std::string consent;
  std::string document;
  std::string consent_from;
};

// Without them what devices send stays on the devices.
absl::Status FillConsent(const ParticipantOptions& options, v1::CreateParticipantRequest& request) {
  TM_ASSIGN_OR_RETURN(const auto kinds, ParseDataKinds("--consent", options.consent));
  request.mutable_consented()->Add(kinds.begin(), kinds.end());
  if (kinds.empty() != options.document.empty()) {
    return UsageError("--consent, --document: say both or none");
  }
  request.set_document(options.document);
  if (options.consent_from.empty()) return absl::OkStatus();
  if (kinds.empty()) return UsageError("--consent-from: says since when --consent holds");
  TM_ASSIGN_OR_RETURN(const int64_t from_ns, ParseInstant("--consent-from", options.consent_from));
  request.set_consented_from_ns(from_ns);
  return absl::OkStatus();
}

absl::Status CreateParticipant(Context& context, const ParticipantOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateParticipantRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  request.set_code(options.code);
  TM_RETURN_IF_ERROR(FillConsent(options, request));
  TM_ASSIGN_OR_RETURN(
      const auto response,
      api->Call(*api->studies, &v1::StudyService::Stub::CreateParticipant, request));
  if (context.json()) {
    PrintJson(response.participant());
  } else {
    PrintData(response.participant().participant_id() + "\n");
    if (request.consented().empty()) {
      context.progress().Say(
          "nothing was consented to yet: what devices record waits there for `tidemark participant "
          "consent`");
    }
  }
  return absl::OkStatus();
}

absl::Status ListParticipants(Context& context, const ParticipantOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListParticipantsRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const auto list,
                      api->List(*api->studies, &v1::StudyService::Stub::ListParticipants, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"CODE", "ID", "STATE", "ENTERED"});
  for (const v1::Participant& participant : list.participants()) {
    table.AddRow({participant.code(), participant.participant_id(), WordOf(participant.state()),
                  FormatTime(participant.created_at())});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

}  // namespace

void AddParticipantCommands(Commands& commands) {
  const flags::Command participant = commands.Noun("participant", "Participants of a study");
  const auto options = std::make_shared<ParticipantOptions>();
  const flags::Command create =
      commands.Verb(participant, "create", "Enter a participant and print the id",
                    [options](Context& context) { return CreateParticipant(context, *options); });
  create.AddOption("--study", options->study, "Id or name").Required();
  create.AddOption("code", options->code, "Pseudonym, 1 to 64 letters, digits, '-' and '_'")
      .Required();
  create.AddOption("--consent", options->consent,
                   "Kinds of recordings consented to, such as motion,physiology");
  create.AddOption("--document", options->document, "Version of the signed form");
  create.AddOption("--consent-from", options->consent_from, "Since when; without: now");
  commands
      .Verb(participant, "list", "List the participants of a study",
            [options](Context& context) { return ListParticipants(context, *options); })
      .AddOption("--study", options->study, "Id or name")
      .Required();
  AddConsentVerbs(commands, participant);
  AddRosterVerbs(commands, participant);
  AddErasureVerbs(commands, participant);
}

}  // namespace tidemark::cli
