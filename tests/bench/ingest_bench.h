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
  std::string work;                 // folder for the device's key
  bool quick = false;
};

// ingest.lone_p50_ms and ingest.lone_p99_ms: from handing a lone 16 KiB chunk to the stream until
// its receipt is there, one chunk at a time, on an idle server; beside it an empty call on the same
// connection (GetServerInfo), which costs the network and gRPC alone.
absl::StatusOr<std::vector<Figure>> MeasureIngest(const IngestBenchOptions& options);

}  // namespace tidemark::bench
