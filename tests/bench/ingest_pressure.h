// Ingest under pressure: fairness among devices, poison among chunks, memory.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/figure.h"
#include "tests/bench/motion_values.h"

namespace tidemark::bench {

std::string IngestPressureMethod();

// Appends ingest.fair_p99_ratio, fair_share, poison_cost and rss_full_mib to `figures`, and what
// each fresh server held to `idle_mib`.
absl::Status MeasureIngestPressure(const RigOptions& options, const MotionValues& motion,
                                   std::vector<Figure>& figures, std::vector<double>& idle_mib);

// Appends ingest.rss_idle_mib, of servers that were started and asked for nothing yet: those in
// `idle_mib`, and more where they are few.
absl::Status MeasureIdleMemory(const RigOptions& options, std::vector<double> idle_mib,
                               std::vector<Figure>& figures);

}  // namespace tidemark::bench
