// Shell completions, written from the command tree itself so that they cannot lag behind it.
#pragma once

#include <string>
#include <vector>

#include "base/flags/flags.h"

namespace tidemark::cli {

// `tree` as Parser::Describe gives it; `shell` is bash, zsh or fish.
std::string CompletionScript(const std::vector<flags::Syntax>& tree, const std::string& shell);

}  // namespace tidemark::cli
