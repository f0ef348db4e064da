#include "cli/study_plan_verbs.h"

#include <fmt/format.h>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/study_plan.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

using PlanStub = v1::StudyService::Stub;

constexpr size_t kPlanFileBytesMax = size_t{1} << 20;

// Each option with whether it was given: what was not stays as it is.
struct PlanOptions {
  std::string study;
  std::string file;
  uint32_t participants = 0;
  uint32_t days = 0;
  std::vector<std::string> streams;
  double worn_hours_a_day = 0;
  uint32_t contact_after_days = 0;
  std::string contact_rules;
  std::string time_zone;

  flags::Option participants_option{nullptr};
  flags::Option days_option{nullptr};
  flags::Option streams_option{nullptr};
  flags::Option worn_option{nullptr};
  flags::Option contact_days_option{nullptr};
  flags::Option contact_rules_option{nullptr};
  flags::Option time_zone_option{nullptr};
};

absl::StatusOr<v1::StudyPlan> ReadPlan(const Api& api, const std::string& study_id) {
  v1::GetStudyPlanRequest request;
  request.set_study_id(study_id);
  TM_ASSIGN_OR_RETURN(const auto response,
                      api.Call(*api.studies, &PlanStub::GetStudyPlan, request));
  return response.plan();
}

void PrintPlan(Context& context, const v1::StudyPlan& plan) {
  if (context.json()) {
    PrintJson(plan);
  } else {
    PrintData(DescribePlan(plan));
  }
}

absl::Status ShowPlan(Context& context, const PlanOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string study_id, api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const v1::StudyPlan plan, ReadPlan(*api, study_id));
  PrintPlan(context, plan);
  return absl::OkStatus();
}

absl::Status ApplyOptions(const PlanOptions& options, v1::StudyPlan& plan) {
  if (options.participants_option.given()) plan.set_participants(options.participants);
  if (options.days_option.given()) plan.set_days(options.days);
  if (options.worn_option.given()) plan.set_worn_hours_a_day(options.worn_hours_a_day);
  if (options.contact_days_option.given()) plan.set_contact_after_days(options.contact_after_days);
  if (options.contact_rules_option.given()) plan.set_contact_rules(options.contact_rules);
  if (options.time_zone_option.given()) plan.set_time_zone(options.time_zone);
  if (!options.streams_option.given()) return absl::OkStatus();
  plan.clear_streams();
  for (const std::string& text : options.streams) {
    TM_ASSIGN_OR_RETURN(*plan.add_streams(), ParsePlannedStream(text));
  }
  return absl::OkStatus();
}

// The file is a whole plan; without one, what is not said stays as the server has it.
absl::StatusOr<v1::StudyPlan> PlanToSet(const Api& api, const PlanOptions& options,
                                        const std::string& study_id) {
  v1::StudyPlan plan;
  if (options.file.empty()) {
    TM_ASSIGN_OR_RETURN(plan, ReadPlan(api, study_id));
  } else {
    TM_ASSIGN_OR_RETURN(const std::string json, ingest::ReadFile(options.file, kPlanFileBytesMax));
    TM_ASSIGN_OR_RETURN(plan, ParsePlan(json));
  }
  TM_RETURN_IF_ERROR(ApplyOptions(options, plan));
  return plan;
}

absl::Status SetPlan(Context& context, const PlanOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::SetStudyPlanRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(*request.mutable_plan(), PlanToSet(*api, options, request.study_id()));
  TM_RETURN_IF_ERROR(api->Call(*api->studies, &PlanStub::SetStudyPlan, request).status());
  PrintPlan(context, request.plan());
  return absl::OkStatus();
}

void AddPlanOptions(const flags::Command& set, PlanOptions& options) {
  set.AddOption("--file", options.file, "JSON as `study plan show --json` prints it");
  options.participants_option =
      set.AddOption("--participants", options.participants, "How many are to take part");
  options.days_option = set.AddOption("--days", options.days, "How long each takes part");
  options.streams_option = set.AddOption("--stream", options.streams,
                                         "DEVICE/NAME=HOURS: what each records, least hours a day");
  options.worn_option =
      set.AddOption("--worn-hours", options.worn_hours_a_day, "Least hours a day of wearing");
  options.contact_days_option = set.AddOption("--contact-after-days", options.contact_after_days,
                                              "Days without data before somebody asks");
  options.contact_rules_option =
      set.AddOption("--contact-rules", options.contact_rules, "Who asks whom, and how, in words");
  options.time_zone_option =
      set.AddOption("--time-zone", options.time_zone, "Of the study's days, such as Europe/Berlin");
}

}  // namespace

void AddStudyPlanVerbs(Commands& commands, flags::Command study) {
  const flags::Command plan = study.AddCommand("plan", "What a study aims at");
  const auto options = std::make_shared<PlanOptions>();
  const flags::Command show =
      commands.Verb(plan, "show", "Print the plan",
                    [options](Context& context) { return ShowPlan(context, *options); });
  const flags::Command set =
      commands.Verb(plan, "set", "Replace the plan, or the parts of it that are named",
                    [options](Context& context) { return SetPlan(context, *options); });
  for (const flags::Command& verb : {show, set}) {
    verb.AddOption("--study", options->study, "Id or name").Required();
  }
  AddPlanOptions(set, *options);
}

}  // namespace tidemark::cli
