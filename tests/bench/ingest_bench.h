// Group `ingest`: what a device waits for.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/figure.h"

namespace tidemark::bench {

struct IngestBenchOptions {
  std::string server;               // host:port of a running, idle tidemarkd
  std::string operator_token_file;  // of its operator: studies and devices of the bench's own
  std::string work;                 // folder for the device's key, on the disk of the database
  bool quick = false;
};

// What docs/BENCHMARKS.md says about the group.
std::string IngestMethod();

// ingest.lone_p50_ms and ingest.lone_p99_ms: from handing a lone 16 KiB chunk to the stream until
// its receipt is there, one chunk at a time, on an idle server.
absl::StatusOr<std::vector<Figure>> MeasureIngest(const IngestBenchOptions& options);

}  // namespace tidemark::bench
