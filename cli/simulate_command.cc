// simulate: participants with known truth, through the same way as any device.
#include <fmt/format.h>

#include "cli/campaign.h"
#include "cli/campaign_report.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/simulate/simulate.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

struct SimulateCommandOptions {
  SimulateOptions simulate;
  bool no_faults = false;
  bool no_clock_faults = false;
  std::string study;
  std::string work;
  int parallel = 2;
  bool no_verify = false;
};

absl::Status Simulate(Context& context, const SimulateCommandOptions& options) {
  SimulateOptions simulate = options.simulate;
  simulate.faults = !options.no_faults;
  simulate.clock_faults = !options.no_clock_faults;
  TM_RETURN_IF_ERROR(CheckOptions(simulate));
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  CampaignOptions campaign;
  TM_ASSIGN_OR_RETURN(campaign.study_id, api->StudyId(options.study));
  campaign.work = options.work;
  campaign.server = context.address();
  campaign.parallel = options.parallel;
  campaign.verify = !options.no_verify;
  const std::string truth = (campaign.work / "truth.json").string();
  TM_RETURN_IF_ERROR(ingest::MakeFolder(std::filesystem::absolute(campaign.work)));
  TM_RETURN_IF_ERROR(WriteTruth(simulate, truth));
  context.progress().Say(fmt::format("what is true stands in {}", truth));
  TM_ASSIGN_OR_RETURN(const CampaignResult result,
                      RunCampaign(*api, campaign, SimulateStudy(simulate), context.progress()));
  TM_ASSIGN_OR_RETURN(const CampaignSummary summary, Summarize(*api, result, campaign.verify));
  PrintSummary(summary, context.json());
  return StatusOf(summary);
}

}  // namespace

void AddSimulateCommand(Commands& commands) {
  const auto options = std::make_shared<SimulateCommandOptions>();
  const flags::Command simulate = commands.Verb(
      commands.root(), "simulate", "Make participants with known truth and upload their recordings",
      [options](Context& context) { return Simulate(context, *options); });
  simulate.AddOption("--study", options->study, "Id or name of the study that takes them")
      .Required();
  simulate.AddOption("--work", options->work, "Folder for the devices and truth.json").Required();
  simulate.AddOption("--participants", options->simulate.participants, "1 to 10000").ShowDefault();
  simulate.AddOption("--hours", options->simulate.hours, "Of each participant").ShowDefault();
  simulate.AddOption("--seed", options->simulate.seed, "The same seed gives the same bytes")
      .ShowDefault();
  simulate.AddFlag("--audio", options->simulate.audio, "Bouts of audio on the phone");
  simulate.AddFlag("--no-faults", options->no_faults, "No drops, repeats and NaN");
  simulate.AddFlag("--no-clock-faults", options->no_clock_faults,
                   "Device time is wall time: no offset, drift or reboots");
  simulate.AddOption("--parallel", options->parallel, "Devices at a time")
      .Range(1, 64)
      .ShowDefault();
  simulate.AddFlag("--no-verify", options->no_verify, "Do not read back and compare");
}

}  // namespace tidemark::cli
