// audit list | export | verify: what was done, and proof that nobody changed the record.
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/base64.h"
#include "cli/audit_verify.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/server_keys.h"
#include "ingest/client/durable_file.h"
#include "tidemark/v1/audit.grpc.pb.h"

namespace tidemark::cli {
namespace {

constexpr absl::Duration kExportMost = absl::Minutes(30);

struct AuditOptions {
  std::string study;
  std::string participant;
  std::string out;
  std::string keys_file;
  std::string kept_export;
};

// What a body says of itself; a body that cannot be read says nothing.
struct BodyText {
  std::string action = "?";
  std::string actor;
  std::string details;
};
BodyText TextOf(const v1::AuditLink& link) {
  if (link.erased()) return {"(erased)", "", ""};
  const auto json = nlohmann::json::parse(link.body(), nullptr, false);
  if (!json.is_object()) return {};
  BodyText text{json.value("action", "?"), json.value("actor", ""), ""};
  const auto details = json.find("details");
  if (details == json.end() || !details->is_object()) return text;
  for (const auto& [name, value] : details->items()) {
    text.details += fmt::format("{}{}={}", text.details.empty() ? "" : " ", name,
                                value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

absl::Status ListEvidence(Context& context, const AuditOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListAuditRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  request.set_participant_id(options.participant);
  TM_ASSIGN_OR_RETURN(const auto list,
                      api->List(*api->audit, &v1::AuditService::Stub::ListAudit, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"NUMBER", "WHEN", "ACTION", "BY", "DETAILS"});
  for (const v1::AuditLink& link : list.links()) {
    const BodyText text = TextOf(link);
    table.AddRow({std::to_string(link.seq()), FormatTime(link.recorded_at()), text.action,
                  text.actor, text.details});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

// Gives every message of an export to `take`.
absl::Status ReadExport(const Api& api, const std::string& study_id,
                        const std::function<absl::Status(const v1::ExportAuditResponse&)>& take) {
  v1::ExportAuditRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(study_id);
  grpc::ClientContext call;
  ingest::Prepare(call, api.token(), kExportMost);
  const auto reader = api.audit->ExportAudit(&call, request);
  v1::ExportAuditResponse message;
  absl::Status taken = absl::OkStatus();
  while (taken.ok() && reader->Read(&message)) taken = take(message);
  if (!taken.ok()) call.TryCancel();
  const absl::Status finished = rpc::FromGrpc(reader->Finish());
  return taken.ok() ? finished : taken;
}

int64_t MicrosecondsOf(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1'000;
}

// All that a link hash is computed from, with the id of the study.
std::string LineOf(const v1::AuditLink& link) {
  return nlohmann::ordered_json({{"subject", link.subject()},
                                 {"seq", link.seq()},
                                 {"recorded_at", FormatTime(link.recorded_at())},
                                 {"recorded_at_us", MicrosecondsOf(link.recorded_at())},
                                 {"prev_hash", HexEncode(link.prev_hash())},
                                 {"body_hash", HexEncode(link.body_hash())},
                                 {"version", link.version()},
                                 {"erased", link.erased()},
                                 {"body", link.body()}})
             .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

std::string LineOf(const v1::AuditRoot& root) {
  nlohmann::ordered_json heads = nlohmann::ordered_json::array();
  for (const v1::AuditHead& head : root.heads()) {
    heads.push_back({{"subject", HexEncode(head.subject())},
                     {"seq", head.seq()},
                     {"link_hash", HexEncode(head.link_hash())}});
  }
  return nlohmann::ordered_json({{"utc_day", root.utc_day()},
                                 {"key_id", root.key_id()},
                                 {"signature", HexEncode(root.signature())},
                                 {"heads", heads}})
             .dump() +
         "\n";
}

absl::Status CannotWrite(const std::string& path) {
  return ingest::OnThisMachine(
      absl::ResourceExhaustedError(fmt::format("{} cannot be written", path)));
}

absl::Status Export(Context& context, const AuditOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string study, api->StudyId(options.study));
  std::ofstream file;
  if (!options.out.empty()) {
    file.open(options.out, std::ios::binary | std::ios::trunc);
    if (!file) return UsageError(fmt::format("--out: {} cannot be written", options.out));
  }
  const auto write = [&](const v1::ExportAuditResponse& message) -> absl::Status {
    std::string lines;
    for (const v1::AuditLink& link : message.links()) lines += LineOf(link);
    for (const v1::AuditRoot& root : message.roots()) lines += LineOf(root);
    if (options.out.empty()) {
      PrintData(lines);
      return OutputStatus();
    }
    file << lines;
    return file ? absl::OkStatus() : CannotWrite(options.out);
  };
  TM_RETURN_IF_ERROR(ReadExport(*api, study, write));
  if (options.out.empty()) return absl::OkStatus();
  file.close();
  return file ? absl::OkStatus() : CannotWrite(options.out);
}

absl::StatusOr<std::optional<KeptExport>> KeptExportOf(const AuditOptions& options) {
  if (options.kept_export.empty()) return std::optional<KeptExport>();
  absl::StatusOr<KeptExport> kept = KeptExport::Read(options.kept_export);
  if (!kept.ok()) return UsageError("--export: " + std::string(kept.status().message()));
  return std::optional(*std::move(kept));
}

absl::Status VerifyEvidence(Context& context, const AuditOptions& options) {
  TM_ASSIGN_OR_RETURN(std::optional<KeptExport> kept, KeptExportOf(options));
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string study_id, api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const Uuid study, Uuid::Parse(study_id));
  TM_ASSIGN_OR_RETURN(const ingest::ReceiptKeys keys, KeysFrom(context, options.keys_file));
  EvidenceCheck check(study, keys, kept ? &*kept : nullptr);
  TM_RETURN_IF_ERROR(ReadExport(
      *api, study_id, [&](const v1::ExportAuditResponse& message) { return check.Add(message); }));
  const std::vector<std::string> faults = check.Faults(absl::Now());
  for (const std::string& fault : faults) context.progress().Warn(fault);
  if (context.json()) {
    PrintJson(Json::Object({{"links", check.links()},
                            {"chains", check.chains()},
                            {"roots", check.roots()},
                            {"newest_root", check.newest_root()},
                            {"faults", faults}}));
  } else {
    PrintData(fmt::format("{} links of {} chains, {} roots{}: {}\n", FormatCount(check.links()),
                          check.chains(), check.roots(),
                          check.roots() == 0 ? "" : ", the newest of " + check.newest_root(),
                          faults.empty() ? "whole" : fmt::format("{} faults", faults.size())));
  }
  return faults.empty() ? absl::OkStatus()
                        : absl::DataLossError("the evidence is not what was recorded");
}

}  // namespace

void AddAuditCommands(Commands& commands) {
  const flags::Command audit = commands.Noun("audit", "Evidence of what was done (auditors)");
  const auto options = std::make_shared<AuditOptions>();
  const flags::Command list =
      commands.Verb(audit, "list", "What was done in a study, or to one participant",
                    [options](Context& context) { return ListEvidence(context, *options); });
  list.AddOption("--participant", options->participant, "Id; also of one who was erased");
  const flags::Command exported =
      commands.Verb(audit, "export", "Every link and signed root, a line of JSON each",
                    [options](Context& context) { return Export(context, *options); });
  exported.AddOption("--out", options->out, "File to write; without: stdout");
  const flags::Command verify =
      commands.Verb(audit, "verify", "Compute every hash anew and check the signed roots",
                    [options](Context& context) { return VerifyEvidence(context, *options); });
  for (const flags::Command& verb : {list, exported, verify}) {
    verb.AddOption("--study", options->study, "Id or name").Required();
  }
  verify.AddOption("--keys", options->keys_file,
                   "Believe only the keys of this file (an earlier tidemark doctor --json)");
  verify.AddOption("--export", options->kept_export,
                   "An earlier audit export: all that it holds must still stand");
}

}  // namespace tidemark::cli
