// Small files that the server reads and writes.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::server {

absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

// Replaces `path` as a whole, readable by its owner only, and on disk when this returns.
absl::Status WritePrivateFile(const std::string& path, std::string_view content);

}  // namespace tidemark::server
