// Group `access`: what the second wall, encryption, authorization and erasing cost.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/figure.h"

namespace tidemark::bench {

struct AccessBenchOptions {
  std::string dsn;   // see AccessScene::Make
  std::string work;  // folder for keys
  bool quick = false;
};

// What docs/BENCHMARKS.md says about the group.
std::string AccessMethod();

absl::StatusOr<std::vector<Figure>> MeasureAccess(const AccessBenchOptions& options);

}  // namespace tidemark::bench
