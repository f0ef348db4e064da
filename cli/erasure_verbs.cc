// participant erase | erasures: destroying recordings, with proof.
#include <fmt/format.h>

#include <iostream>

#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/participant_care.h"
#include "cli/progress.h"
#include "cli/time_option.h"
#include "tidemark/v1/erasure.grpc.pb.h"
#include "tidemark/v1/participant.grpc.pb.h"

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
  std::string from;
  std::string to;
  std::vector<std::string> streams;
  std::string erasure;
  bool no_wait = false;
};

// "all" for an erasure of everything, else the range and the streams.
std::string CoverOf(const v1::Erasure& erasure) {
  if (!erasure.has_begin_ns()) return "all";
  return fmt::format(
      "{} to {}, {}", FormatTimeNs(erasure.begin_ns()), FormatTimeNs(erasure.end_ns()),
      erasure.stream_ids().empty() ? std::string("all streams")
                                   : fmt::format("{} streams", erasure.stream_ids_size()));
}

void PrintWhatWasDestroyed(const v1::Erasure& erasure) {
  if (!erasure.has_begin_ns()) {
    PrintData(
        "\nThe key of the participant was destroyed: what lies in backups cannot be read any "
        "more.\n\n");
    return;
  }
  PrintData(fmt::format(
      "\n{} chunks were destroyed with the keys that sealed them, in backups too; {} chunks of the "
      "same days and streams were sealed anew and are as they were.\n\n",
      FormatCount(erasure.chunks_destroyed()), FormatCount(erasure.chunks_kept())));
}

void PrintErasure(const v1::Erasure& erasure) {
  PrintData(fmt::format(
      "erasure      {}\nparticipant  {}\ncovers       {}\nstate        {}\nrequested    {}\n",
      erasure.erasure_id(), erasure.participant_id(), CoverOf(erasure), WordOf(erasure.state()),
      FormatTime(erasure.requested_at())));
  for (const std::string& stream : erasure.stream_ids()) PrintData("stream       " + stream + "\n");
  if (!erasure.problem().empty()) PrintData("problem      " + erasure.problem() + "\n");
  if (erasure.state() != v1::ERASURE_STATE_DONE) {
    if (!erasure.has_begin_ns()) return;
    PrintData(fmt::format("hidden       {} chunks, which nobody can read any more\n",
                          FormatCount(erasure.chunks_destroyed())));
  } else {
    PrintData(fmt::format("done         {}\n", FormatTime(erasure.done_at())));
    PrintWhatWasDestroyed(erasure);
  }
  Table table({"TABLE", "DELETED", "LEFT", "WHY"});
  for (const v1::ErasedTable& counted : erasure.tables()) {
    if (counted.rows_deleted() == 0 && counted.rows_left() == 0) continue;
    table.AddRow({counted.table(), FormatCount(counted.rows_deleted()),
                  FormatCount(counted.rows_left()), counted.why_kept()});
  }
  if (!table.empty()) PrintData(table.Format());
  for (const std::string& touched : erasure.touched()) PrintData("touched: " + touched + "\n");
}

// The code once more: from --confirm, or typed by whoever sits there.
absl::StatusOr<std::string> Confirmation(Context& context, const ErasureOptions& options) {
  if (!options.confirm.empty()) return options.confirm;
  if (context.options().no_input) {
    return UsageError("--confirm: the participant's code is needed, against a slip");
  }
  std::cerr << "Type the participant's code to destroy "
            << (options.from.empty() ? "all recordings" : "these recordings")
            << " for good: " << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  if (typed.empty()) return UsageError("--confirm: nothing was typed; the code is needed");
  return typed;
}

// Until it is done, stuck, or waits for another day.
absl::StatusOr<v1::Erasure> Wait(Context& context, const Api& api, v1::Erasure erasure) {
  v1::GetErasureRequest request;
  request.set_study_id(erasure.study_id());
  request.set_erasure_id(erasure.erasure_id());
  const absl::Time last = absl::Now() + kWaitMost;
  while (erasure.state() == v1::ERASURE_STATE_RUNNING && erasure.problem().empty() &&
         absl::Now() < last) {
    context.progress().Update("erasing");
    absl::SleepFor(kPoll);
    TM_ASSIGN_OR_RETURN(auto found, api.Call(*api.erasures, &ErasureStub::GetErasure, request));
    erasure = std::move(*found.mutable_erasure());
  }
  context.progress().Clear();
  return erasure;
}

// Waits if that is wanted, and prints how it stands.
absl::Status Follow(Context& context, const ErasureOptions& options, const Api& api,
                    v1::Erasure erasure) {
  if (!options.no_wait) {
    TM_ASSIGN_OR_RETURN(erasure, Wait(context, api, std::move(erasure)));
  }
  if (context.json()) {
    PrintJson(erasure);
  } else {
    PrintErasure(erasure);
  }
  if (options.no_wait || erasure.state() == v1::ERASURE_STATE_DONE) return absl::OkStatus();
  return PartialError("the erasure is not done yet; the server goes on");
}

absl::Status EraseAll(Context& context, const ErasureOptions& options, const Api& api,
                      const std::string& participant) {
  v1::EraseParticipantRequest request;
  request.set_request_id(NewRequestId());
  request.set_participant_id(participant);
  TM_ASSIGN_OR_RETURN(*request.mutable_confirm_code(), Confirmation(context, options));
  request.set_reason(options.reason);
  TM_ASSIGN_OR_RETURN(const auto asked,
                      api.Call(*api.erasures, &ErasureStub::EraseParticipant, request));
  return Follow(context, options, api, asked.erasure());
}

// The server does not ask for the code where only a range goes: it is compared here.
absl::Status ConfirmRange(Context& context, const ErasureOptions& options, const Api& api,
                          const v1::EraseRangeRequest& range) {
  v1::GetParticipantRequest request;
  request.set_participant_id(range.participant_id());
  TM_ASSIGN_OR_RETURN(
      const auto found,
      api.Call(*api.participants, &v1::ParticipantService::Stub::GetParticipant, request));
  context.progress().Say(fmt::format(
      "Destroys what {} recorded from {} to {}, {}: every chunk that lies in this "
      "range in part, too. What devices send of it later is refused.",
      found.participant().code(), FormatTimeNs(range.begin_ns()), FormatTimeNs(range.end_ns()),
      options.streams.empty() ? std::string("on all streams")
                              : fmt::format("on {}", fmt::join(options.streams, ", "))));
  TM_ASSIGN_OR_RETURN(const std::string code, Confirmation(context, options));
  if (code == found.participant().code()) return absl::OkStatus();
  return UsageError("--confirm: is not the code of the participant; nothing was erased");
}

absl::Status EraseRange(Context& context, const ErasureOptions& options, const Api& api,
                        const std::string& participant) {
  TM_ASSIGN_OR_RETURN(const std::optional<v1::TimeRange> range,
                      ParseRange(options.from, options.to));
  if (!range) return UsageError("--stream: goes with --from and --to");
  v1::EraseRangeRequest request;
  request.set_request_id(NewRequestId());
  request.set_participant_id(participant);
  request.set_begin_ns(range->begin_ns());
  request.set_end_ns(range->end_ns());
  request.set_reason(options.reason);
  for (const std::string& name : options.streams) {
    TM_ASSIGN_OR_RETURN(const v1::Stream stream, api.Stream(participant, name));
    request.add_stream_ids(stream.stream_id());
  }
  TM_RETURN_IF_ERROR(ConfirmRange(context, options, api, request));
  TM_ASSIGN_OR_RETURN(const auto asked, api.Call(*api.erasures, &ErasureStub::EraseRange, request));
  return Follow(context, options, api, asked.erasure());
}

absl::Status Erase(Context& context, const ErasureOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string participant, api->ParticipantId(options.participant));
  const bool is_range = !options.from.empty() || !options.to.empty() || !options.streams.empty();
  return is_range ? EraseRange(context, options, *api, participant)
                  : EraseAll(context, options, *api, participant);
}

absl::Status ListErasures(Context& context, const ErasureOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListErasuresRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const auto list,
                      api->List(*api->erasures, &ErasureStub::ListErasures, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"ERASURE", "PARTICIPANT", "COVERS", "STATE", "REQUESTED", "DONE"});
  for (const v1::Erasure& erasure : list.erasures()) {
    table.AddRow({erasure.erasure_id(), erasure.participant_id(), CoverOf(erasure),
                  WordOf(erasure.state()), FormatTime(erasure.requested_at()),
                  erasure.has_done_at() ? FormatTime(erasure.done_at()) : "-"});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

absl::Status ShowErasure(Context& context, const ErasureOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::GetErasureRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  request.set_erasure_id(options.erasure);
  TM_ASSIGN_OR_RETURN(const auto found,
                      api->Call(*api->erasures, &ErasureStub::GetErasure, request));
  if (context.json()) {
    PrintJson(found.erasure());
  } else {
    PrintErasure(found.erasure());
  }
  return absl::OkStatus();
}

}  // namespace

void AddErasureVerbs(Commands& commands, const flags::Command& participant) {
  const auto options = std::make_shared<ErasureOptions>();
  const flags::Command erase = commands.Verb(
      participant, "erase", "Destroy recordings of a participant, for good: all, or a range",
      [options](Context& context) { return Erase(context, *options); });
  erase.AddOption("participant", options->participant, "Id or STUDY/CODE").Required();
  erase.AddOption("--reason", options->reason, "Why, without names; stays in the record")
      .Required();
  erase.AddOption("--confirm", options->confirm, "The participant's code, instead of typing it");
  erase.AddOption("--from", options->from, "First instant of a range; without one, all is erased");
  erase.AddOption("--to", options->to, "End of the range");
  erase.AddOption("--stream", options->streams, "Only this stream of the range; may be repeated");
  erase.AddFlag("--no-wait", options->no_wait, "Do not wait until it is done");
  commands
      .Verb(participant, "erasures", "List the erasures of a study",
            [options](Context& context) { return ListErasures(context, *options); })
      .AddOption("--study", options->study, "Id or name")
      .Required();
  const flags::Command show =
      commands.Verb(participant, "erasure", "Show how an erasure stands and what it did",
                    [options](Context& context) { return ShowErasure(context, *options); });
  show.AddOption("erasure", options->erasure, "Id").Required();
  show.AddOption("--study", options->study, "Id or name").Required();
}

}  // namespace tidemark::cli
