// What `tidemarkd` does when it is not asked to serve.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config.h"

namespace tidemark::server {

// Applies the migrations as the owner.
absl::Status Migrate(const Config& config);

// Makes the first operator and writes the token to `file` (mode 0600). When there is an operator
// and the file is there, does nothing, so that a start script may always call it.
//   FAILED_PRECONDITION  there is an operator, but no such file
absl::Status BootstrapOperator(const Config& config, const std::string& file);

// docs/access.md.
absl::StatusOr<std::string> PrintAccess();

// What waits to be sealed, one number a line.
absl::StatusOr<std::string> PrintBacklog(const Config& config);

// docs/metrics.md.
std::string PrintMetrics();

}  // namespace tidemark::server
