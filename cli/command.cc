#include "cli/command.h"

#include <fmt/format.h>

#include <cctype>
#include <utility>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

constexpr size_t kTokenFileBytesMax = 4096;
constexpr char kVersion[] = TIDEMARK_VERSION;

constexpr char kFooter[] = R"(Examples
  tidemark study list
  tidemark device enrol --folder watch-left --code CODE
  tidemark import watch-phone s01 --folder watch=DIR --folder phone=DIR --upload
  tidemark samples --participant STUDY/CODE --stream watch/acc --plot acc.svg

tidemark help lists topics, such as exit codes; tidemark completion SHELL prints completions.)";

}  // namespace

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  auto text = ingest::ReadFile(path, kTokenFileBytesMax);
  if (!text.ok()) {
    return UsageError(fmt::format("token-file: {}", std::string(text.status().message())));
  }
  while (!text->empty() && std::isspace(static_cast<unsigned char>(text->back())) != 0) {
    text->pop_back();
  }
  if (text->empty()) return UsageError(fmt::format("token-file: {} is empty", path));
  return *text;
}

absl::StatusOr<const Api*> Context::api() {
  if (api_ != nullptr) return api_.get();
  if (options_.token_file.empty()) {
    return absl::UnauthenticatedError("token-file: is missing");
  }
  TM_ASSIGN_OR_RETURN(std::string token, ReadTokenFile(options_.token_file));
  TM_ASSIGN_OR_RETURN(auto channel, ingest::Connect(address()));
  api_ = std::make_unique<Api>(std::move(channel), std::move(token));
  return api_.get();
}

absl::StatusOr<const Api*> Context::anonymous_api() {
  if (anonymous_api_ != nullptr) return anonymous_api_.get();
  TM_ASSIGN_OR_RETURN(auto channel, ingest::Connect(address()));
  anonymous_api_ = std::make_unique<Api>(std::move(channel), "");
  return anonymous_api_.get();
}

Commands::Commands()
    : parser_("Tidemark: recordings of a wearable field study", "tidemark"),
      server_(AddGlobalOptions()) {
  parser_.SetFooter(kFooter);
}

flags::Option Commands::AddGlobalOptions() {
  parser_.AddVersion(kVersion);
  const flags::Command all = parser_.root();
  const flags::Option server = all.AddOption("--server", options_.server, "Server, HOST:PORT")
                                   .FromEnvironment()
                                   .ShowDefault();
  all.AddOption("--token-file", options_.token_file, "File with the token of who calls")
      .FromEnvironment();
  all.AddOption("--tls-ca", options_.tls_ca,
                "PEM file of the authority that the server's certificate comes from")
      .FromEnvironment();
  all.AddFlag("--json", options_.json, "One JSON document on stdout");
  all.AddFlag("-q,--quiet", options_.quiet, "No progress and notes on stderr; warnings stay");
  all.AddFlag("-v,--verbose", options_.verbose, "Errors with their code and details");
  all.AddFlag("--no-color", options_.no_color, "No colours").FromEnvironment("NO_COLOR");
  all.AddFlag("--no-input", options_.no_input, "Never ask; what would be asked is an error");
  return server;
}

flags::Command Commands::Noun(const std::string& name, const std::string& description) {
  return root().AddCommand(name, description);
}

flags::Command Commands::Verb(flags::Command parent, const std::string& name,
                              const std::string& description, Action action) {
  return parent.AddCommand(name, description,
                           [this, action = std::move(action)] { action_ = action; });
}

int Commands::Run(int argc, char** argv) {
  const auto parsed = parser_.Parse(std::vector<std::string>(argv + 1, argv + argc));
  if (!parsed.ok()) {
    PrintError(std::string(parsed.status().message()),
               fmt::format("see {} --help", parser_.path()));
    return kExitUsage;
  }
  if (!parsed->answer.empty()) {
    PrintData(parsed->answer);
    return Finish(absl::OkStatus());
  }
  options_.server_given = server_.given();
  Context context(options_);
  absl::Status status = action_(context);
  context.progress().Clear();
  return Finish(std::move(status));
}

void Commands::Report(const absl::Status& status) const {
  if (status.ok() || IsReaderGone(status)) return;
  PrintError(options_.verbose ? status.ToString() : std::string(status.message()),
             HintFor(status, options_.server));
}

int Commands::Finish(absl::Status status) const {
  const absl::Status written = FlushOutput();
  Report(status);
  if (written != status) Report(written);
  status.Update(written);  // what the command itself met comes first
  return ExitCodeOf(status);
}

}  // namespace tidemark::cli
