// participant show | consent | complete | withdraw.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/participant_care.h"
#include "cli/time_option.h"
#include "tidemark/v1/participant.grpc.pb.h"

namespace tidemark::cli {
namespace {

using ConsentStub = v1::ParticipantService::Stub;

struct ConsentOptions {
  std::string participant;
  std::string data;
  std::string decision;
  std::string document;
  std::string from;
  std::string until;
  std::string at;
  std::string reason;
};

std::string RangeText(const v1::Consent& consent) {
  return fmt::format(
      "{} to {}", FormatTimeNs(consent.valid_from_ns()),
      consent.has_valid_until_ns() ? FormatTimeNs(consent.valid_until_ns()) : "open");
}

void PrintParticipant(const v1::GetParticipantResponse& found) {
  const v1::Participant& participant = found.participant();
  PrintData(fmt::format("code      {}\nid        {}\nstate     {} since {}\ndevices   {}\n",
                        participant.code(), participant.participant_id(),
                        WordOf(participant.state()), FormatTime(found.state_since()),
                        found.devices()));
  Table table({"DATA", "DECISION", "WHEN", "DOCUMENT"});
  for (const v1::Consent& consent : found.consents()) {
    table.AddRow({WordOf(consent.data_kind()), WordOf(consent.decision()), RangeText(consent),
                  consent.document()});
  }
  if (!table.empty()) PrintData("\n" + table.Format());
}

absl::Status ShowParticipant(Context& context, const ConsentOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::GetParticipantRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(const auto found,
                      api->Call(*api->participants, &ConsentStub::GetParticipant, request));
  if (context.json()) {
    PrintJson(found);
  } else {
    PrintParticipant(found);
  }
  return absl::OkStatus();
}

absl::Status RecordOne(Context& context, const Api& api, const ConsentOptions& options,
                       const std::string& participant_id, v1::DataKind kind) {
  v1::RecordConsentRequest request;
  request.set_request_id(NewRequestId());
  request.set_participant_id(participant_id);
  v1::Consent& consent = *request.mutable_consent();
  consent.set_data_kind(kind);
  consent.set_decision(options.decision == "grant" ? v1::CONSENT_DECISION_GRANTED
                                                   : v1::CONSENT_DECISION_REFUSED);
  consent.set_document(options.document);
  if (!options.from.empty()) {
    TM_ASSIGN_OR_RETURN(const int64_t from_ns, ParseInstant("--from", options.from));
    consent.set_valid_from_ns(from_ns);
  }
  if (!options.until.empty()) {
    TM_ASSIGN_OR_RETURN(const int64_t until_ns, ParseInstant("--until", options.until));
    consent.set_valid_until_ns(until_ns);
  }
  TM_ASSIGN_OR_RETURN(const auto made,
                      api.Call(*api.participants, &ConsentStub::RecordConsent, request));
  if (context.json()) {
    PrintJson(made.consent());
  } else {
    PrintData(fmt::format("{}  {}  {}  version {}\n", WordOf(kind),
                          WordOf(made.consent().decision()), RangeText(made.consent()),
                          made.consent().version()));
  }
  return absl::OkStatus();
}

absl::Status RecordConsent(Context& context, const ConsentOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string participant, api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(const auto kinds, ParseDataKinds("--data", options.data));
  if (kinds.empty()) return UsageError("--data: names at least one kind");
  for (const v1::DataKind kind : kinds) {
    TM_RETURN_IF_ERROR(RecordOne(context, *api, options, participant, kind));
  }
  return absl::OkStatus();
}

absl::Status PrintState(Context& context, const v1::Participant& participant) {
  if (context.json()) {
    PrintJson(participant);
  } else {
    PrintData(fmt::format("{}  {}\n", participant.code(), WordOf(participant.state())));
  }
  return absl::OkStatus();
}

absl::Status Complete(Context& context, const ConsentOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CompleteParticipantRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(const auto done,
                      api->Call(*api->participants, &ConsentStub::CompleteParticipant, request));
  return PrintState(context, done.participant());
}

absl::Status Withdraw(Context& context, const ConsentOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::WithdrawParticipantRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  request.set_reason(options.reason);
  if (!options.at.empty()) {
    TM_ASSIGN_OR_RETURN(const int64_t at_ns, ParseInstant("--at", options.at));
    request.set_at_ns(at_ns);
  }
  TM_ASSIGN_OR_RETURN(const auto done,
                      api->Call(*api->participants, &ConsentStub::WithdrawParticipant, request));
  context.progress().Say("what was recorded before stays; `participant erase` destroys it");
  return PrintState(context, done.participant());
}

}  // namespace

void AddConsentVerbs(Commands& commands, const flags::Command& participant) {
  const auto options = std::make_shared<ConsentOptions>();
  const auto verb = [&](const char* name, const char* help,
                        absl::Status (*run)(Context&, const ConsentOptions&)) {
    const flags::Command made =
        commands.Verb(participant, name, help,
                      [options, run](Context& context) { return run(context, *options); });
    made.AddOption("participant", options->participant, "Id or STUDY/CODE").Required();
    return made;
  };
  verb("show", "State, consent and devices of a participant", ShowParticipant);
  const flags::Command consent =
      verb("consent", "Record what the participant decided; nothing is edited", RecordConsent);
  consent.AddOption("decision", options->decision, "grant or refuse")
      .Required()
      .OneOf({"grant", "refuse"});
  consent.AddOption("--data", options->data, "Kinds of recordings, such as motion,audio")
      .Required();
  consent.AddOption("--document", options->document, "Version of the signed form").Required();
  consent.AddOption("--from", options->from, "First instant; without: now");
  consent.AddOption("--until", options->until, "First instant it no longer holds; without: open");
  verb("complete", "End taking part as planned", Complete);
  const flags::Command withdraw =
      verb("withdraw", "End taking part: all consent ends, recordings stay", Withdraw);
  withdraw.AddOption("--at", options->at, "When consent ended; without: now");
  withdraw.AddOption("--reason", options->reason, "At most 256 bytes; sealed");
}

}  // namespace tidemark::cli
