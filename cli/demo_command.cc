// demo: a study of its own, filled with real or simulated recordings, uploaded and compared.
#include <fmt/format.h>

#include <filesystem>

#include "cli/campaign.h"
#include "cli/campaign_report.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/import/import.h"
#include "cli/output.h"
#include "cli/simulate/simulate.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kStudiesMax = 100'000;

struct DemoOptions {
  std::string data;
  bool simulate = false;
  std::string operator_token_file;
  std::string work;
  int parallel = 2;
  SimulateOptions simulation;
};

struct DemoStudy {
  std::string name;
  std::string study_id;
  fs::path folder;
  fs::path token_file;
  std::string manager_token;
};

absl::StatusOr<std::vector<ingest::Recording>> Recordings(Context& context,
                                                          const DemoOptions& options) {
  if (options.simulate) {
    TM_RETURN_IF_ERROR(CheckOptions(options.simulation));
    return SimulateStudy(options.simulation);
  }
  TM_ASSIGN_OR_RETURN(Imported found, DiscoverSharedData(options.data));
  for (const std::string& note : found.notes) context.progress().Say(note);
  return std::move(found.recordings);
}

// The first free name demo-<n>: every run has a study of its own, whatever an earlier one left.
absl::StatusOr<v1::Study> CreateDemoStudy(const Api& api) {
  TM_ASSIGN_OR_RETURN(const auto list, api.List(*api.studies, &v1::StudyService::Stub::ListStudies,
                                                v1::ListStudiesRequest()));
  for (int n = list.studies_size() + 1; n < kStudiesMax; ++n) {
    v1::CreateStudyRequest request;
    request.set_request_id(NewRequestId());
    request.set_name(fmt::format("demo-{}", n));
    const auto created = api.Call(*api.studies, &v1::StudyService::Stub::CreateStudy, request);
    if (created.ok()) return created->study();
    if (!absl::IsAlreadyExists(created.status())) return created.status();
  }
  return absl::ResourceExhaustedError("too many demo studies");
}

absl::StatusOr<DemoStudy> MakeStudy(const Api& operator_api, const fs::path& work) {
  TM_ASSIGN_OR_RETURN(const v1::Study study, CreateDemoStudy(operator_api));
  v1::CreateManagerRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(study.study_id());
  request.set_display_name("demo");
  TM_ASSIGN_OR_RETURN(
      const auto manager,
      operator_api.Call(*operator_api.studies, &v1::StudyService::Stub::CreateManager, request));
  // The recordings have sound and are read back to be compared.
  v1::SetGrantRequest grant;
  grant.set_request_id(NewRequestId());
  grant.set_study_id(study.study_id());
  grant.set_principal_id(manager.principal_id());
  grant.set_role(v1::ROLE_MANAGER);
  for (const v1::DataKind kind : kCampaignKinds) grant.mutable_data_kinds()->add_kinds(kind);
  TM_RETURN_IF_ERROR(
      operator_api.Call(*operator_api.access, &v1::AccessService::Stub::SetGrant, grant).status());
  // Named after the id, too: a fresh server numbers its studies anew over an old folder.
  DemoStudy demo{.name = study.name(),
                 .study_id = study.study_id(),
                 .folder = fs::absolute(work) /
                           fmt::format("{}-{}", study.name(), study.study_id().substr(24)),
                 .token_file = {},
                 .manager_token = manager.token()};
  demo.token_file = demo.folder / "manager.token";
  TM_RETURN_IF_ERROR(ingest::MakeFolder(demo.folder));
  TM_RETURN_IF_ERROR(ingest::WriteFileDurably(demo.token_file, manager.token() + "\n", 0600));
  return demo;
}

// How this very program is called again, short where it can be.
std::string OwnPath() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return "tidemark";
  const fs::path near = fs::proximate(self, error);
  return error || near.native().starts_with("..") ? self.string() : near.string();
}

void SayWhatNext(Context& context, const DemoStudy& demo, const CampaignResult& result) {
  if (result.devices.empty() || result.devices.front().streams.empty()) return;
  const DeviceOutcome& device = result.devices.front();
  const std::string common = fmt::format("{} --server {} --token-file {}", OwnPath(),
                                         context.options().server, demo.token_file.string());
  const std::string participant = fmt::format("{}/{}", demo.name, device.participant_code);
  context.progress().Say(fmt::format(
      "\nTry next:\n  {} coverage --participant {}\n"
      "  {} samples --participant {} --stream {}/{} --plot {}.svg\n"
      "  {} receipt verify {}",
      common, participant, common, participant, device.device_name, device.streams.front().name,
      device.streams.front().name, common, device.folder.string()));
}

absl::Status Demo(Context& context, const DemoOptions& options) {
  if (options.simulate == !options.data.empty()) {
    return UsageError("data, simulate: say one of them");
  }
  TM_ASSIGN_OR_RETURN(const auto recordings, Recordings(context, options));
  TM_ASSIGN_OR_RETURN(std::string operator_token, ReadTokenFile(options.operator_token_file));
  TM_ASSIGN_OR_RETURN(const auto channel, ingest::Connect(context.address()));
  const Api operator_api(channel, std::move(operator_token));
  TM_ASSIGN_OR_RETURN(const DemoStudy demo, MakeStudy(operator_api, options.work));
  const Api manager(channel, demo.manager_token);
  context.progress().Say(fmt::format("study {}: {} devices", demo.name, recordings.size()));
  TM_ASSIGN_OR_RETURN(const CampaignResult result, RunCampaign(manager,
                                                               {.study_id = demo.study_id,
                                                                .work = demo.folder,
                                                                .server = context.address(),
                                                                .parallel = options.parallel,
                                                                .verify = true},
                                                               recordings, context.progress()));
  TM_ASSIGN_OR_RETURN(const CampaignSummary summary, Summarize(manager, result, true));
  PrintSummary(summary, context.json());
  SayWhatNext(context, demo, result);
  return StatusOf(summary);
}

}  // namespace

void AddDemoCommand(Commands& commands) {
  const auto options = std::make_shared<DemoOptions>();
  const flags::Command demo = commands.Verb(
      commands.root(), "demo", "Fill a new study with recordings and compare what comes back",
      [options](Context& context) { return Demo(context, *options); });
  demo.AddOption("--data", options->data, "Folder of real recordings");
  demo.AddFlag("--simulate", options->simulate, "Simulated recordings instead");
  demo.AddOption("--operator-token-file", options->operator_token_file, "Token of an operator")
      .Required();
  demo.AddOption("--work", options->work, "Folder for the devices of this run").Required();
  demo.AddOption("--parallel", options->parallel, "Devices at a time").Range(1, 64).ShowDefault();
  demo.AddOption("--participants", options->simulation.participants, "Simulated participants")
      .ShowDefault();
  demo.AddOption("--hours", options->simulation.hours, "Simulated hours of each").ShowDefault();
}

}  // namespace tidemark::cli
