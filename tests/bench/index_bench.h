// Groups `index` and `index_1e8`: what a full database costs those who use a little of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/figure.h"

namespace tidemark::bench {

inline constexpr int64_t kIndexRows = 10'000'000;
inline constexpr int64_t kManyIndexRows = 100'000'000;

// What docs/BENCHMARKS.md says about the group.
std::string IndexMethod();

// ingest.index_1e7_ratio (or index_1e8_ratio for so many rows): the worst of a lone receipt, a
// window of samples and a picture, in a database with `rows` chunk rows of others, to the same in
// one that holds nothing else. For show: each of the three.
absl::StatusOr<std::vector<Figure>> MeasureIndex(const RigOptions& options, int64_t rows);

}  // namespace tidemark::bench
