// Runs of chunk numbers, and how PostgreSQL writes them (int8multirange).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tidemark::ingest {

// begin <= n < end.
struct NumberRun {
  int64_t begin = 0;
  int64_t end = 0;
  friend bool operator==(const NumberRun&, const NumberRun&) = default;
};

// The runs of `numbers`, ascending and disjoint; repeated numbers count once.
std::vector<NumberRun> RunsOf(std::vector<int64_t> numbers);

// "{[0,5),[7,8)}".
std::string ToMultirange(std::span<const NumberRun> runs);
// DATA_LOSS for anything but bounded runs in the form above.
absl::StatusOr<std::vector<NumberRun>> ParseMultirange(std::string_view text);

}  // namespace tidemark::ingest
