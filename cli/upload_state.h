// What the server has of a stream, in the words that people ask for.
#pragma once

#include <optional>

#include "cli/json.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::cli {

// Share of the chunks that came again after they were settled, among all that came: 0 to 1.
double DuplicateRatio(const v1::WriterState& state);
// How far the newest sample is behind `now_ns` (study time); nothing where study time is not known.
std::optional<double> SecondsBehind(const v1::WriterState& state, int64_t now_ns);
// One outbox.
Json DescribeWriter(const v1::WriterState& state, int64_t now_ns);

}  // namespace tidemark::cli
