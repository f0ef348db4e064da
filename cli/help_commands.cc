// completion SHELL, help TOPIC.
#include <map>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace tidemark::cli {
namespace {

constexpr std::string_view kEnvironmentHelp = R"(Environment

  TIDEMARK_SERVER      HOST:PORT, as --server
  TIDEMARK_TOKEN_FILE  file with a token, as --token-file
  TIDEMARK_TLS_CA      PEM file, as --tls-ca

An option wins over its variable. Without --tls-ca, this machine itself (127.0.0.1, localhost,
unix:/path) is spoken to in the clear, and everything else by TLS with the system's authorities.
)";

constexpr std::string_view kNamesHelp = R"(Names

  STUDY        id or name
  PARTICIPANT  id, or STUDY/CODE
  DEVICE       id or name, within its participant
  STREAM       id, NAME where one device has it only, or DEVICE/NAME
  times        2022-01-01T09:00:00Z, or nanoseconds since 1970; ranges are half open

Data goes to stdout, everything else to stderr; --json gives one document, with the field names of
the API's .proto files.
)";

}  // namespace

void AddHelpCommands(Commands& commands) {
  const auto shell = std::make_shared<std::string>();
  commands
      .Verb(commands.root(), "completion", "Print a completion script",
            [&commands, shell](Context&) {
              PrintData(CompletionScript(commands.Describe(), *shell));
              return absl::OkStatus();
            })
      .AddOption("shell", *shell, "bash, zsh or fish")
      .Required()
      .OneOf({"bash", "zsh", "fish"});

  const auto topic = std::make_shared<std::string>();
  commands
      .Verb(commands.root(), "help", "Explain a topic",
            [topic](Context&) {
              const std::map<std::string, std::string_view> topics = {
                  {"exit-codes", ExitCodesHelp()},
                  {"environment", kEnvironmentHelp},
                  {"names", kNamesHelp}};
              PrintData(topics.at(*topic));
              return absl::OkStatus();
            })
      .AddOption("topic", *topic, "exit-codes, environment or names")
      .Required()
      .OneOf({"exit-codes", "environment", "names"});
}

}  // namespace tidemark::cli
