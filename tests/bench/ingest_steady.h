// The speed that holds: a minute of uploads while the sealer works.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/figure.h"
#include "tests/bench/motion_values.h"

namespace tidemark::bench {

std::string IngestSteadyMethod();

// Appends ingest.steady_vs_raw_ceiling and, for show, ingest.steady_unsealed_share to `figures`,
// and what the fresh server held to `idle_mib`.
absl::Status MeasureIngestSteady(const RigOptions& options, const MotionValues& motion,
                                 std::vector<Figure>& figures, std::vector<double>& idle_mib);

}  // namespace tidemark::bench
