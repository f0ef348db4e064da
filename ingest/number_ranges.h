// Runs of chunk numbers, and how PostgreSQL writes them (int8multirange).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tidemark::ingest {

// Numbers of an outbox follow each other, and what is settled of them is few runs. A set with more
// is slower for everybody: beyond this, an outbox gets no new run of stored numbers, and gives up
// no more numbers, until those between have come.
inline constexpr int32_t kRunsPerSetMax = 2'048;
// A device begins a new outbox when it was restored, or for an import.
inline constexpr int32_t kOutboxesPerDeviceMax = 65'536;

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
