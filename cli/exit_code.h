// How the process ends: documented by `tidemark help exit-codes`.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tidemark::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitAuth = 4,
  kExitConflict = 5,
  kExitPartial = 6,
  kExitUnavailable = 7,
  kExitDamaged = 8,
  kExitSetAside = 9,
  kExitInterrupted = 130,
  kExitReaderGone = 141,
};

// A failure of the caller's words, found before anything was done.
absl::Status UsageError(std::string message);
// Some of it was done; what was not stands on stderr.
absl::Status PartialError(std::string message);
// All of it was done, and the server set some of it aside for a person to look at.
absl::Status SetAsideError(std::string message);
// Whoever read stdout left, as `head` does: nothing to complain about.
absl::Status ReaderGone();
bool IsReaderGone(const absl::Status& status);

ExitCode ExitCodeOf(const absl::Status& status);
// What to do about it, or "".
std::string HintFor(const absl::Status& status, std::string_view server);
// The text of `tidemark help exit-codes`.
std::string_view ExitCodesHelp();

}  // namespace tidemark::cli
