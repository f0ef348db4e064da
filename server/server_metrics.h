// What is counted about a server as a whole, and the list of everything that is counted.
#pragma once

#include <functional>
#include <vector>

#include "base/metrics/registry.h"

namespace tidemark::server {

class DatabaseWatch;
class HealthBoard;
class IngestGate;

struct ServerMetrics {
  explicit ServerMetrics(metrics::Registry& registry);
  static ServerMetrics& OfProcess();

  metrics::Reading& build_info;  // by version; always 1
  metrics::Reading& serving;     // by service; 1 or 0
  metrics::Reading& ingest_accepting;
  metrics::Counter& self_probe_failures;
  metrics::Reading& database_size;
  metrics::Reading& database_free;
  metrics::Reading& jobs_open;
  metrics::Reading& jobs_oldest;
  // Whoever runs the sealer says how far behind it is: the age of the oldest settled chunk that is
  // not sealed, and what waits.
  metrics::Reading& sealer_lag;
  metrics::Reading& sealer_backlog;
};

// What a server says of itself while these live; what they ask outlives them.
std::vector<metrics::Reading::Source> ServerReadings(const HealthBoard& health,
                                                     const IngestGate& gate,
                                                     const DatabaseWatch& watch,
                                                     const std::vector<std::string>& services);

// Makes the metrics of all parts of the program, so that a page has all names from the start.
void MakeAllMetrics();

}  // namespace tidemark::server
