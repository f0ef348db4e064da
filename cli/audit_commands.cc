// audit list | export | verify: what was done, and proof that nobody changed the record.
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/audit_chain.h"
#include "base/base64.h"
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

std::string LineOf(const v1::AuditLink& link) {
  return nlohmann::ordered_json({{"subject", link.subject()},
                                 {"seq", link.seq()},
                                 {"recorded_at", FormatTime(link.recorded_at())},
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

// Bodies that are gone, and the erasures that the chain of the study tells of: one without the
// other is no erasure.
class ErasureClaims {
 public:
  void Add(const std::string& study_id, const v1::AuditLink& link) {
    if (link.erased()) gone_.insert(link.subject());
    if (link.erased() || link.subject() != study_id) return;
    const auto json = nlohmann::json::parse(link.body(), nullptr, false);
    if (!json.is_object() || json.value("action", "") != "erasure.participant") return;
    const auto details = json.find("details");
    if (details != json.end() && details->is_object()) {
      recorded_.insert(details->value("participant", ""));
    }
  }
  void AddFaults(std::vector<std::string>& faults) const {
    for (const std::string& subject : gone_) {
      if (!recorded_.contains(subject)) {
        faults.push_back(subject + ": bodies cannot be read, and no erasure was recorded");
      }
    }
  }

 private:
  std::set<std::string> gone_;
  std::set<std::string> recorded_;
};

int64_t MicrosecondsOf(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1'000;
}

absl::Status CheckLink(AuditChainChecker& checker, const Uuid& study, const v1::AuditLink& link) {
  AuditChainLink chained;
  TM_ASSIGN_OR_RETURN(chained.subject, Uuid::Parse(link.subject()));
  chained.seq = link.seq();
  chained.study_id = study;
  chained.prev_hash = link.prev_hash();
  chained.body_hash = link.body_hash();
  chained.recorded_at_us = MicrosecondsOf(link.recorded_at());
  chained.version = static_cast<int>(link.version());
  checker.Add(chained);
  if (!link.erased()) checker.CheckBody(chained, link.body());
  return absl::OkStatus();
}

// Whether a key of the server signed the heads, and whether the chains still have them.
absl::Status CheckRoot(AuditChainChecker& checker, const Uuid& study, const v1::AuditRoot& root,
                       const ingest::ReceiptKeys& keys, std::vector<std::string>& faults) {
  std::vector<AuditChainHead> heads;
  for (const v1::AuditHead& signed_head : root.heads()) {
    AuditChainHead& head = heads.emplace_back();
    TM_ASSIGN_OR_RETURN(head.subject, Uuid::FromBytes(signed_head.subject()));
    head.seq = signed_head.seq();
    if (signed_head.link_hash().size() != head.link_hash.size()) {
      return absl::DataLossError("a signed root cannot be read");
    }
    std::copy(signed_head.link_hash().begin(), signed_head.link_hash().end(),
              head.link_hash.begin());
  }
  const auto key = keys.find(root.key_id());
  if (key == keys.end() ||
      !key->second.Verify(AuditRootMessage(study, root.utc_day(), heads), root.signature())) {
    faults.push_back(fmt::format("the root of day {} is not signed by the server", root.utc_day()));
  }
  for (const AuditChainHead& head : heads) checker.CheckHead(root.utc_day(), head);
  return absl::OkStatus();
}

// Which days the evidence spans, and which of them are signed.
class SignedDays {
 public:
  void AddLink(const v1::AuditLink& link) {
    first_day_ = std::min(first_day_, DayOf(absl::FromUnixSeconds(link.recorded_at().seconds())));
  }
  void AddRoot(const v1::AuditRoot& root) {
    newest_root_ = std::max<int64_t>(newest_root_, root.utc_day());
  }

  // A running server signs every study soon after each midnight. A day in between may be missing,
  // for a later root covers its links; without one of today, whoever removes the newest links can
  // remove the roots over them as well.
  void AddFaults(absl::Time now, std::vector<std::string>& faults) const {
    const int64_t due = DayOf(now - kSigningMost);
    if (first_day_ >= due || newest_root_ >= due) return;
    faults.push_back(newest_root_ < 0
                         ? "no day is signed"
                         : fmt::format("nothing is signed since {}: the server did not "
                                       "run, or signatures were removed",
                                       FormatDay(newest_root_)));
  }

 private:
  static constexpr absl::Duration kSigningMost = absl::Hours(1);
  static int64_t DayOf(absl::Time time) { return absl::ToUnixSeconds(time) / 86'400; }
  static std::string FormatDay(int64_t day) {
    return absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(day * 86'400), absl::UTCTimeZone());
  }

  int64_t first_day_ = std::numeric_limits<int64_t>::max();
  int64_t newest_root_ = -1;
};

absl::Status VerifyEvidence(Context& context, const AuditOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const std::string study_id, api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const Uuid study, Uuid::Parse(study_id));
  TM_ASSIGN_OR_RETURN(const ingest::ReceiptKeys keys, KeysFrom(context, options.keys_file));
  AuditChainChecker checker;
  std::vector<std::string> faults;
  ErasureClaims claims;
  SignedDays days;
  int roots = 0;
  const auto check = [&](const v1::ExportAuditResponse& message) -> absl::Status {
    for (const v1::AuditLink& link : message.links()) {
      TM_RETURN_IF_ERROR(CheckLink(checker, study, link));
      claims.Add(study_id, link);
      days.AddLink(link);
    }
    for (const v1::AuditRoot& root : message.roots()) {
      ++roots;
      days.AddRoot(root);
      TM_RETURN_IF_ERROR(CheckRoot(checker, study, root, keys, faults));
    }
    return absl::OkStatus();
  };
  TM_RETURN_IF_ERROR(ReadExport(*api, study_id, check));
  faults.insert(faults.end(), checker.faults().begin(), checker.faults().end());
  claims.AddFaults(faults);
  days.AddFaults(absl::Now(), faults);
  for (const std::string& fault : faults) context.progress().Warn(fault);
  if (context.json()) {
    PrintJson(Json::Object({{"links", checker.links()},
                            {"chains", checker.chains()},
                            {"signed_days", roots},
                            {"faults", faults}}));
  } else {
    PrintData(fmt::format("{} links of {} chains, {} signed days: {}\n",
                          FormatCount(checker.links()), checker.chains(), roots,
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
}

}  // namespace tidemark::cli
