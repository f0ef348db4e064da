// Shell completions, written from the command tree itself so that they cannot lag behind it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tidemark::cli {

// `shell` is bash, zsh or fish.
std::string CompletionScript(const CLI::App& root, const std::string& shell);

}  // namespace tidemark::cli
