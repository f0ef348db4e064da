// participant erase | erasures: destroying recordings, with proof.
#include <fmt/format.h>

#include <iostream>

#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/participant_care.h"
#include "tidemark/v1/erasure.grpc.pb.h"

namespace tidemark::cli {
namespace {

using ErasureStub = v1::ErasureService::Stub;

constexpr absl::Duration kPoll = absl::Milliseconds(300);
constexpr absl::Duration kWaitMost = absl::Hours(1);

struct ErasureOptions {
  std::string participant;
  std::string study;
  std::string reason;
  std::string confirm;
  bool no_wait = false;
};

void PrintErasure(const v1::Erasure& erasure) {
  PrintData(fmt::format("erasure      {}\nparticipant  {}\nstate        {}\nrequested    {}\n",
                        erasure.erasure_id(), erasure.participant_id(), WordOf(erasure.state()),
                        FormatTime(erasure.requested_at())));
  if (!erasure.problem().empty()) PrintData("problem      " + erasure.problem() + "\n");
  if (erasure.state() != v1::ERASURE_STATE_DONE) return;
  PrintData(
      fmt::format("done         {}\n\nThe key of the participant was destroyed: what lies in "
                  "backups cannot be read any more.\n\n",
                  FormatTime(erasure.done_at())));
  Table table({"TABLE", "DELETED", "LEFT", "WHY"});
  for (const v1::ErasedTable& counted : erasure.tables()) {
    if (counted.rows_deleted() == 0 && counted.rows_left() == 0) continue;
    table.AddRow({counted.table(), FormatCount(counted.rows_deleted()),
                  FormatCount(counted.rows_left()), counted.why_kept()});
  }
  PrintData(table.Format());
  for (const std::string& touched : erasure.touched()) PrintData("touched: " + touched + "\n");
}

// The code once more: from --confirm, or typed by whoever sits there.
absl::StatusOr<std::string> Confirmation(Context& context, const ErasureOptions& options) {
  if (!options.confirm.empty()) return options.confirm;
  if (context.options().no_input) {
    return UsageError("--confirm: the participant's code is needed, against a slip");
  }
  std::cerr << "Type the participant's code to destroy all recordings for good: " << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  return typed;
}

absl::StatusOr<v1::Erasure> Wait(const Api& api, v1::Erasure erasure) {
  v1::GetErasureRequest request;
  request.set_study_id(erasure.study_id());
  request.set_erasure_id(erasure.erasure_id());
  const absl::Time last = absl::Now() + kWaitMost;
  while (erasure.state() == v1::ERASURE_STATE_RUNNING && absl::Now() < last) {
    absl::SleepFor(kPoll);
    TM_ASSIGN_OR_RETURN(auto found, api.Call(*api.erasures, &ErasureStub::GetErasure, request));
    erasure = std::move(*found.mutable_erasure());
  }
  return erasure;
}

absl::Status Erase(Context& context, const ErasureOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::EraseParticipantRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  TM_ASSIGN_OR_RETURN(*request.mutable_confirm_code(), Confirmation(context, options));
  request.set_reason(options.reason);
  TM_ASSIGN_OR_RETURN(const auto asked,
                      api->Call(*api->erasures, &ErasureStub::EraseParticipant, request));
  v1::Erasure erasure = asked.erasure();
  if (!options.no_wait) {
    TM_ASSIGN_OR_RETURN(erasure, Wait(*api, std::move(erasure)));
  }
  if (context.json()) {
    PrintJson(erasure);
  } else {
    PrintErasure(erasure);
  }
  if (options.no_wait || erasure.state() == v1::ERASURE_STATE_DONE) return absl::OkStatus();
  return PartialError("the erasure is not done yet; the server goes on");
}

absl::Status ListErasures(Context& context, const ErasureOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListErasuresRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const auto list, api->List(*api->erasures, &ErasureStub::ListErasures, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"ERASURE", "PARTICIPANT", "STATE", "REQUESTED", "DONE"});
  for (const v1::Erasure& erasure : list.erasures()) {
    table.AddRow({erasure.erasure_id(), erasure.participant_id(), WordOf(erasure.state()),
                  FormatTime(erasure.requested_at()),
                  erasure.has_done_at() ? FormatTime(erasure.done_at()) : "-"});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

}  // namespace

void AddErasureVerbs(Commands& commands, const flags::Command& participant) {
  const auto options = std::make_shared<ErasureOptions>();
  const flags::Command erase =
      commands.Verb(participant, "erase", "Destroy all recordings of a participant, for good",
                    [options](Context& context) { return Erase(context, *options); });
  erase.AddOption("participant", options->participant, "Id or STUDY/CODE").Required();
  erase.AddOption("--reason", options->reason, "Why, without names; stays in the record")
      .Required();
  erase.AddOption("--confirm", options->confirm, "The participant's code, instead of typing it");
  erase.AddFlag("--no-wait", options->no_wait, "Do not wait until it is done");
  commands
      .Verb(participant, "erasures", "List the erasures of a study",
            [options](Context& context) { return ListErasures(context, *options); })
      .AddOption("--study", options->study, "Id or name")
      .Required();
}

}  // namespace tidemark::cli
