// Instants and ranges as people type them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tidemark/v1/signal.pb.h"

namespace tidemark::cli {

// RFC 3339 ("2022-01-01T09:00:00Z") or whole nanoseconds since 1970. USAGE names `option` else.
absl::StatusOr<int64_t> ParseInstant(const std::string& option, const std::string& text);

// `from` and `to` as a study-time range: nothing when both are empty. USAGE when only one is given
// or the range is empty.
absl::StatusOr<std::optional<v1::TimeRange>> ParseRange(const std::string& from,
                                                        const std::string& to);

}  // namespace tidemark::cli
