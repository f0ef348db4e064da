// Rosters: a table with a line per participant, as a study manager keeps it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tidemark/v1/participant.pb.h"

namespace tidemark::cli {

// More lines than any study has.
inline constexpr size_t kRosterLinesMax = 1'000'000;

// Reads a CSV file with a heading. Columns: code; optionally consent (kinds of data separated by
// spaces or ';'), consent_from (since when; without, since the import), document, age_from, age_to,
// sex, handedness, skin_tone_monk, skin_type_fitzpatrick, height_cm, wrist_mm. Empty fields stand
// for unknown.
//   INVALID_ARGUMENT  "file:line: rule"; an unknown or missing column; a code that stands twice;
//                     text that is no UTF-8
//   NOT_FOUND         no such file
absl::StatusOr<std::vector<v1::RosterEntry>> ReadRoster(const std::string& path);

}  // namespace tidemark::cli
