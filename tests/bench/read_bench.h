// Group `read`: samples and pictures of sealed data.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/figure.h"

namespace tidemark::bench {

// What docs/BENCHMARKS.md says about the group.
std::string ReadMethod();

// read.window_vs_libpq, read.overview_24h_p99_ms and read.overview_vs_scan; for show, what part of
// the data was sealed and each state that an overview was measured in. Data that the sealer did not
// seal in time leaves the three without a value, unless the run is quick.
absl::StatusOr<std::vector<Figure>> MeasureRead(const RigOptions& options);

}  // namespace tidemark::bench
