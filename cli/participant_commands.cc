// participant create | list, and the nouns and verbs that other files add.
#include "cli/command.h"
#include "cli/enum_words.h"
#include "cli/output.h"
#include "cli/participant_care.h"

namespace tidemark::cli {
namespace {

struct ParticipantOptions {
  std::string study;
  std::string code;
};

absl::Status CreateParticipant(Context& context, const ParticipantOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateParticipantRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  request.set_code(options.code);
  TM_ASSIGN_OR_RETURN(
      const auto response,
      api->Call(*api->studies, &v1::StudyService::Stub::CreateParticipant, request));
  if (context.json()) {
    PrintJson(response.participant());
  } else {
    PrintData(response.participant().participant_id() + "\n");
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
