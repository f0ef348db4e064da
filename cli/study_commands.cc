// study create | list | plan, manager create.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/study_plan_verbs.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

absl::Status CreateStudy(Context& context, const std::string& name) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateStudyRequest request;
  request.set_request_id(NewRequestId());
  request.set_name(name);
  TM_ASSIGN_OR_RETURN(const auto response,
                      api->Call(*api->studies, &v1::StudyService::Stub::CreateStudy, request));
  if (context.json()) {
    PrintJson(response.study());
  } else {
    PrintData(response.study().study_id() + "\n");
  }
  return absl::OkStatus();
}

absl::Status ListStudies(Context& context) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(
      const auto list,
      api->List(*api->studies, &v1::StudyService::Stub::ListStudies, v1::ListStudiesRequest()));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"STUDY", "ID", "CREATED"});
  for (const v1::Study& study : list.studies()) {
    table.AddRow({study.name(), study.study_id(), FormatTime(study.created_at())});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

struct ManagerOptions {
  std::string study;
  std::string name;
  std::string token_out;
};

absl::Status CreateManager(Context& context, const ManagerOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateManagerRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  request.set_display_name(options.name);
  TM_ASSIGN_OR_RETURN(auto response,
                      api->Call(*api->studies, &v1::StudyService::Stub::CreateManager, request));
  if (!options.token_out.empty()) {
    TM_RETURN_IF_ERROR(ingest::WriteFileDurably(options.token_out, response.token() + "\n", 0600));
    response.clear_token();
  }
  if (context.json()) {
    PrintJson(response);
  } else {
    PrintData(
        fmt::format("{}\n", response.token().empty() ? response.principal_id() : response.token()));
  }
  return absl::OkStatus();
}

}  // namespace

void AddStudyCommands(Commands& commands) {
  const flags::Command study = commands.Noun("study", "Studies (operators)");
  const auto name = std::make_shared<std::string>();
  commands
      .Verb(study, "create", "Create a study and print its id",
            [name](Context& context) { return CreateStudy(context, *name); })
      .AddOption("name", *name, "1 to 64 letters, digits, '-' and '_'")
      .Required();
  commands.Verb(study, "list", "List studies", ListStudies);
  AddStudyPlanVerbs(commands, study);

  const flags::Command manager = commands.Noun("manager", "People who manage a study (operators)");
  const auto options = std::make_shared<ManagerOptions>();
  const flags::Command create =
      commands.Verb(manager, "create", "Make a manager and print the token, which is shown once",
                    [options](Context& context) { return CreateManager(context, *options); });
  create.AddOption("--study", options->study, "Id or name").Required();
  create.AddOption("--name", options->name, "How the person is shown to others").Required();
  create.AddOption("--token-out", options->token_out,
                   "Write the token to this file (mode 0600) and print the principal's id");
}

}  // namespace tidemark::cli
