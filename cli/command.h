// The frame of the command line: options that every command has, and the tree of nouns and verbs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/flags/flags.h"
#include "cli/api.h"
#include "cli/progress.h"

namespace tidemark::cli {

struct GlobalOptions {
  std::string server = "127.0.0.1:7420";
  std::string token_file;
  std::string tls_ca;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
  bool no_input = false;
  bool server_given = false;
};

// What a command is given. The server is reached at the first call, not before.
class Context {
 public:
  explicit Context(const GlobalOptions& options) : options_(options), progress_(options.quiet) {}

  bool json() const { return options_.json; }
  const GlobalOptions& options() const { return options_; }
  Progress& progress() { return progress_; }
  // The way to --server with the token of --token-file.
  //   UNAUTHENTICATED  no token file was named
  absl::StatusOr<const Api*> api();
  // The same without a credential.
  absl::StatusOr<const Api*> anonymous_api();
  ingest::ServerAddress address() const { return {options_.server, options_.tls_ca}; }

 private:
  const GlobalOptions& options_;
  Progress progress_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Api> anonymous_api_;
};

using Action = std::function<absl::Status(Context&)>;

// Builds the tree. Every leaf has an action; exactly one runs, after parsing.
class Commands {
 public:
  Commands();

  flags::Command Noun(const std::string& name, const std::string& description);
  flags::Command Verb(flags::Command parent, const std::string& name,
                      const std::string& description, Action action);
  flags::Command root() { return parser_.root(); }
  // The whole tree, for completions.
  std::vector<flags::Syntax> Describe() const { return parser_.Describe(); }

  // Parses and runs; prints what went wrong and returns the exit code.
  int Run(int argc, char** argv);

 private:
  flags::Option AddGlobalOptions();  // that of --server
  void Report(const absl::Status& status) const;
  // Writes what is left for stdout and says what went wrong; the exit code.
  int Finish(absl::Status status) const;

  flags::Parser parser_;
  GlobalOptions options_;
  flags::Option server_;
  Action action_;
};

// A secret of one line: a token. INVALID_ARGUMENT if the file cannot be read or is empty.
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

// One per file <noun>_commands.cc.
void AddStudyCommands(Commands& commands);
void AddParticipantCommands(Commands& commands);
void AddAccessCommands(Commands& commands);
void AddAuditCommands(Commands& commands);
void AddDeviceCommands(Commands& commands);
void AddStreamCommands(Commands& commands);
void AddUploadCommands(Commands& commands);
void AddImportCommands(Commands& commands);
void AddSimulateCommand(Commands& commands);
void AddSamplesCommand(Commands& commands);
void AddSignalCommands(Commands& commands);
void AddQuarantineCommands(Commands& commands);
void AddReceiptCommands(Commands& commands);
void AddOperatorCommands(Commands& commands);
void AddDoctorCommand(Commands& commands);
void AddDemoCommand(Commands& commands);
void AddHelpCommands(Commands& commands);

}  // namespace tidemark::cli
