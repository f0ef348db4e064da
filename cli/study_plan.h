// What a study aims at, as people write it down.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::cli {

// A plan in JSON, with the names of tidemark.v1.StudyPlan: what `study plan show --json` prints.
//   INVALID_ARGUMENT  it is no JSON, or a field is unknown or of another type; names the field
absl::StatusOr<v1::StudyPlan> ParsePlan(const std::string& json);

// "watch/acc=12.5": device, stream, least hours a day. INVALID_ARGUMENT names `text`.
absl::StatusOr<v1::PlannedStream> ParsePlannedStream(const std::string& text);

// The plan as lines for people: "participants  40".
std::string DescribePlan(const v1::StudyPlan& plan);

}  // namespace tidemark::cli
