// What the system knows about this process: memory, descriptors, processor, start.
#pragma once

#include <array>

#include "base/metrics/registry.h"

namespace tidemark::metrics {

// Under the names that Prometheus' own clients use. Read from /proc when the page is made.
class ProcessMetrics {
 public:
  explicit ProcessMetrics(Registry& registry);
  static ProcessMetrics& OfProcess();

 private:
  const std::array<Reading::Source, 5> sources_;
};

}  // namespace tidemark::metrics
