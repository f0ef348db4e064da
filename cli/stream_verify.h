// stream verify.
#pragma once

#include "cli/command.h"

namespace tidemark::cli {

// Below the noun `stream`.
void AddStreamVerifyCommand(Commands& commands, flags::Command stream);

}  // namespace tidemark::cli
