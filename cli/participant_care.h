// Verbs of `participant` about consent, state, rosters and erasure.
#pragma once

#include "cli/command.h"

namespace tidemark::cli {

void AddConsentVerbs(Commands& commands, const flags::Command& participant);
void AddRosterVerbs(Commands& commands, const flags::Command& participant);
void AddErasureVerbs(Commands& commands, const flags::Command& participant);

}  // namespace tidemark::cli
