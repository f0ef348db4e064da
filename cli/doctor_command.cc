// doctor: whether this machine, its token and its server can work together.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/rpc/enum_set.h"
#include "cli/command.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kSkewSecondsMax = 5;
constexpr char kDiskCheck[] = "database.disk";
constexpr rlim_t kDescriptorsMin = 1024;
constexpr long kTmpfsMagic = 0x01021994;

struct DoctorOptions {
  std::string folder;
  std::string participant;
  bool security = false;
};

enum class Verdict { kOk, kWarning, kFailed };

struct Check {
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string detail;
};

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kFailed:
      return "FAILED";
  }
  return "";
}

Check CheckSkew(const v1::GetServerInfoResponse& info, absl::Time asked, absl::Time answered) {
  const absl::Time server = absl::FromUnixSeconds(info.server_time().seconds()) +
                            absl::Nanoseconds(info.server_time().nanos());
  const double skew_s = absl::ToDoubleSeconds(server - (asked + (answered - asked) / 2));
  const bool small = std::abs(skew_s) <= kSkewSecondsMax;
  return {"clock", small ? Verdict::kOk : Verdict::kWarning,
          fmt::format("the server's clock is {:+.3f} s from this machine's (+/- {:.3f} s)", skew_s,
                      absl::ToDoubleSeconds(answered - asked) / 2)};
}

Check CheckToken(Context& context) {
  if (context.options().token_file.empty()) {
    return {"token", Verdict::kWarning, "not checked: no --token-file"};
  }
  const auto api = context.api();
  if (!api.ok()) return {"token", Verdict::kFailed, std::string(api.status().message())};
  v1::ListStudiesRequest request;
  request.set_page_size(1);
  const auto list = (*api)->Call(*(*api)->studies, &v1::StudyService::Stub::ListStudies, request);
  if (!list.ok()) return {"token", Verdict::kFailed, std::string(list.status().message())};
  return {"token", Verdict::kOk, "the server accepts it"};
}

Verdict VerdictOf(v1::CheckState state) {
  switch (state) {
    case v1::CHECK_STATE_OK:
      return Verdict::kOk;
    case v1::CHECK_STATE_WARNING:
      return Verdict::kWarning;
    default:  // of a newer server: not known to be well
      return Verdict::kFailed;
  }
}

// What the server says of what protects its data, or only when its disk will be full; an operator
// may ask.
absl::Status AddOperatorChecks(Context& context, bool all, std::vector<Check>& checks) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto answer,
                      api->Call(*api->operators, &v1::OperatorService::Stub::CheckSecurity,
                                v1::CheckSecurityRequest()));
  for (const v1::SecurityCheck& check : answer.checks()) {
    if (!all && check.name() != kDiskCheck) continue;
    checks.push_back({check.name(), VerdictOf(check.state()), check.detail()});
  }
  return absl::OkStatus();
}

Check CheckFolder(const std::string& folder) {
  const fs::path probe = fs::path(folder) / ".tidemark-doctor";
  const absl::Time begin = absl::Now();
  const absl::Status written = ingest::WriteFileDurably(probe, "probe");
  const double ms = absl::ToDoubleMilliseconds(absl::Now() - begin);
  ::unlink(probe.c_str());
  if (!written.ok()) return {"folder", Verdict::kFailed, std::string(written.message())};
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) == 0 && info.f_type == kTmpfsMagic) {
    return {"folder", Verdict::kFailed,
            fmt::format("{} lies in memory (tmpfs): a restart loses what it holds", folder)};
  }
  return {"folder", Verdict::kOk, fmt::format("{}: a durable write takes {:.1f} ms", folder, ms)};
}

// What devices record of a kind that nobody decided on waits on them.
Check CheckConsent(Context& context, const std::string& participant) {
  const auto undecided = [&]() -> absl::StatusOr<std::string> {
    TM_ASSIGN_OR_RETURN(const Api* api, context.api());
    v1::ListConsentsRequest request;
    TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(participant));
    TM_ASSIGN_OR_RETURN(
        const auto list,
        api->List(*api->participants, &v1::ParticipantService::Stub::ListConsents, request));
    rpc::DataKindSet open = rpc::kAllKinds;
    for (const v1::Consent& each : list.consents()) open = open.Without({each.data_kind()});
    std::string words;
    open.ForEach([&](v1::DataKind kind) { words += (words.empty() ? "" : ", ") + WordOf(kind); });
    return words;
  }();
  if (!undecided.ok())
    return {"consent", Verdict::kFailed, std::string(undecided.status().message())};
  if (undecided->empty()) return {"consent", Verdict::kOk, "every kind of data is decided"};
  return {"consent", Verdict::kWarning,
          fmt::format("nothing is decided on {}: what devices record of it stays on them until "
                      "`tidemark participant consent`",
                      *undecided)};
}

Check CheckDescriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const bool enough = limit.rlim_cur >= kDescriptorsMin;
  return {"descriptors", enough ? Verdict::kOk : Verdict::kWarning,
          fmt::format("{} file descriptors allowed{}", limit.rlim_cur,
                      enough ? "" : "; raise it: ulimit -n 4096")};
}

void PrintChecks(Context& context, const v1::GetServerInfoResponse& info,
                 const std::vector<Check>& checks) {
  if (context.json()) {
    Json list = Json::Array();
    for (const Check& check : checks) {
      list.Append(Json::Object(
          {{"check", check.name}, {"verdict", NameOf(check.verdict)}, {"detail", check.detail}}));
    }
    PrintJson(Json::Object({{"server", ToJson(info)}, {"checks", std::move(list)}}));
    return;
  }
  Table table({"CHECK", "VERDICT", "DETAIL"});
  for (const Check& check : checks) {
    table.AddRow({check.name, NameOf(check.verdict), check.detail});
  }
  PrintData(table.Format());
}

absl::Status Doctor(Context& context, const DoctorOptions& options) {
  std::vector<Check> checks;
  v1::GetServerInfoResponse info;
  absl::Status reached;
  const absl::Time asked = absl::Now();
  if (const auto api = context.anonymous_api(); !api.ok()) {
    reached = api.status();
  } else {
    auto answer = (*api)->Call(*(*api)->server, &v1::ServerService::Stub::GetServerInfo,
                               v1::GetServerInfoRequest());
    reached = answer.status();
    if (answer.ok()) info = *std::move(answer);
  }
  const absl::Time answered = absl::Now();
  if (reached.ok()) {
    checks.push_back({"server", Verdict::kOk,
                      fmt::format("{} runs Tidemark {}, audience {}", context.options().server,
                                  info.version(), info.audience())});
    checks.push_back(CheckSkew(info, asked, answered));
    checks.push_back(CheckToken(context));
  } else {
    checks.push_back({"server", Verdict::kFailed, std::string(reached.message())});
  }
  if (!options.folder.empty()) checks.push_back(CheckFolder(options.folder));
  if (!options.participant.empty()) checks.push_back(CheckConsent(context, options.participant));
  checks.push_back(CheckDescriptors());
  absl::Status asked_security;
  if (reached.ok() && (options.security || !context.options().token_file.empty())) {
    asked_security = AddOperatorChecks(context, options.security, checks);
    // The token of somebody else is fine for everything but this.
    if (!options.security) asked_security = absl::OkStatus();
  }
  PrintChecks(context, info, checks);
  TM_RETURN_IF_ERROR(reached);
  TM_RETURN_IF_ERROR(asked_security);
  for (const Check& check : checks) {
    if (check.verdict == Verdict::kFailed) {
      return absl::UnknownError(fmt::format("{}: {}", check.name, check.detail));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void AddDoctorCommand(Commands& commands) {
  const auto options = std::make_shared<DoctorOptions>();
  const flags::Command doctor = commands.Verb(
      commands.root(), "doctor", "Check server, clock, token, folder, consent, limits",
      [options](Context& context) { return Doctor(context, *options); });
  doctor.AddOption("--folder", options->folder, "Also check that this folder is durable");
  doctor.AddOption("--participant", options->participant,
                   "Also check that consent is decided: id or STUDY/CODE");
  doctor.AddFlag("--security", options->security,
                 "Also ask the server what protects its data (operators); 1 if something does not");
}

}  // namespace tidemark::cli
