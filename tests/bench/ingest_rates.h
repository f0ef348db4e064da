// Speeds of acknowledged uploads, each beside what PostgreSQL does with the same bytes.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/figure.h"
#include "tests/bench/motion_values.h"

namespace tidemark::bench {

// What docs/BENCHMARKS.md says about these figures.
std::string IngestRatesMethod();

// Appends ingest.acked_16k_vs_raw_ceiling and what is measured in its rounds
// (samples_vs_row_copy_100k and _1k; for show: the share of hashing in the limit, and a null sink),
// acked_64k_vs_raw_ceiling, acked_64k_vs_stored_ceiling, small_vs_copy and lone_vs_insert to
// `figures`, and what each fresh server held to `idle_mib`.
absl::Status MeasureIngestRates(const RigOptions& options, const MotionValues& motion,
                                std::vector<Figure>& figures, std::vector<double>& idle_mib);

}  // namespace tidemark::bench
