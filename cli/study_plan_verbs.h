// study plan show | set.
#pragma once

#include "cli/command.h"

namespace tidemark::cli {

void AddStudyPlanVerbs(Commands& commands, flags::Command study);

}  // namespace tidemark::cli
