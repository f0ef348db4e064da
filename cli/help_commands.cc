// completion SHELL, help [TOPIC].
#include <map>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace tidemark::cli {
namespace {

constexpr std::string_view kTopicsHelp = R"(Topics

  exit-codes   how a command ends, for scripts
  environment  variables that stand for options
  names        how studies, participants, devices, streams and times are named

tidemark help TOPIC explains one; tidemark --help lists the commands, and --help after a command its
options.
)";

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

Data goes to stdout, everything else to stderr. --json gives one document, and samples a line of JSON
each. What the API answered has the names of its .proto files; reports that a command puts together
itself, such as those of import, upload and receipt, have names of their own.
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
      .Verb(commands.root(), "help", "Explain a topic, or list the topics",
            [topic](Context&) {
              if (topic->empty()) {
                PrintData(kTopicsHelp);
                return absl::OkStatus();
              }
              const std::map<std::string, std::string_view> topics = {
                  {"exit-codes", ExitCodesHelp()},
                  {"environment", kEnvironmentHelp},
                  {"names", kNamesHelp}};
              PrintData(topics.at(*topic));
              return absl::OkStatus();
            })
      .AddOption("topic", *topic, "exit-codes, environment or names")
      .OneOf({"exit-codes", "environment", "names"});
}

}  // namespace tidemark::cli
