#include "cli/command.h"

#include <fmt/format.h>

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

tidemark help exit-codes says what the exit codes mean; tidemark completion SHELL prints completions.)";

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

Commands::Commands() : root_("Tidemark: recordings of a wearable field study", "tidemark") {
  root_.require_subcommand(1);
  root_.set_version_flag("--version", kVersion);
  root_.footer(kFooter);
  server_ = root_.add_option("--server", options_.server, "Server, HOST:PORT")
                ->envname("TIDEMARK_SERVER")
                ->capture_default_str();
  root_.add_option("--token-file", options_.token_file, "File with the token of who calls")
      ->envname("TIDEMARK_TOKEN_FILE");
  root_
      .add_option("--tls-ca", options_.tls_ca,
                  "PEM file of the authority that the server's "
                  "certificate comes from")
      ->envname("TIDEMARK_TLS_CA");
  root_.add_flag("--json", options_.json, "One JSON document on stdout");
  root_.add_flag("-q,--quiet", options_.quiet, "No progress and notes on stderr");
  root_.add_flag("-v,--verbose", options_.verbose, "Errors with their code and details");
  root_.add_flag("--no-color", options_.no_color, "No colours")->envname("NO_COLOR");
  root_.add_flag("--no-input", options_.no_input, "Never ask (no command asks)");
}

CLI::App& Commands::Noun(const std::string& name, const std::string& description) {
  CLI::App& noun = *root_.add_subcommand(name, description);
  noun.require_subcommand(1);
  noun.fallthrough();
  return noun;
}

CLI::App& Commands::Verb(CLI::App& parent, const std::string& name, const std::string& description,
                         Action action) {
  CLI::App& verb = *parent.add_subcommand(name, description);
  verb.fallthrough();
  verb.callback([this, action = std::move(action)] { action_ = action; });
  return verb;
}

// Names the deepest command that was understood, and the word that was not.
void Commands::PrintParseError(const CLI::ParseError& error) const {
  const CLI::App* understood = &root_;
  std::string path = root_.get_name();
  while (!understood->get_subcommands().empty()) {
    understood = understood->get_subcommands().front();
    path += " " + understood->get_name();
  }
  const std::string hint = fmt::format("see {} --help", path);
  const std::vector<std::string> unknown = root_.remaining(/*recurse=*/true);
  const bool lacks_command = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (lacks_command && !unknown.empty()) {
    PrintError(fmt::format("there is no command \"{} {}\"", path, unknown.front()), hint);
  } else {
    PrintError(error.what(), hint);
  }
}

int Commands::Parse(int argc, char** argv) {
  try {
    root_.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return root_.exit(help);
  } catch (const CLI::ParseError& error) {
    PrintParseError(error);
    return kExitUsage;
  }
  options_.server_given = server_->count() > 0;
  return -1;
}

int Commands::Run(int argc, char** argv) {
  if (const int code = Parse(argc, argv); code >= 0) return code;
  Context context(options_);
  const absl::Status status = action_(context);
  context.progress().Clear();
  if (!status.ok()) {
    PrintError(options_.verbose ? status.ToString() : std::string(status.message()),
               HintFor(status, options_.server));
  }
  if (std::fflush(stdout) != 0) return kExitFailure;
  return ExitCodeOf(status);
}

}  // namespace tidemark::cli
