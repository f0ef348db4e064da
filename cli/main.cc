// tidemark: the command line of study managers, operators and devices without an app of their own.
#include <unistd.h>

#include <csignal>

#include "cli/command.h"
#include "cli/exit_code.h"

namespace {

// Everything a command writes survives a crash, so an interrupt may end the process at any point.
extern "C" void OnInterrupt(int) { ::_exit(tidemark::cli::kExitInterrupted); }

}  // namespace

int main(int argc, char** argv) {
  using namespace tidemark::cli;
  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGPIPE, SIG_IGN);
  Commands commands;
  AddStudyCommands(commands);
  AddParticipantCommands(commands);
  AddAccessCommands(commands);
  AddAuditCommands(commands);
  AddDeviceCommands(commands);
  AddStreamCommands(commands);
  AddImportCommands(commands);
  AddSimulateCommand(commands);
  AddUploadCommands(commands);
  AddSamplesCommand(commands);
  AddSignalCommands(commands);
  AddQuarantineCommands(commands);
  AddReceiptCommands(commands);
  AddOperatorCommands(commands);
  AddDoctorCommand(commands);
  AddDemoCommand(commands);
  AddHelpCommands(commands);
  return commands.Run(argc, argv);
}
