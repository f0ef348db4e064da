#include "server/server_metrics.h"

#include <limits>
#include <string>

#include "base/db/database_metrics.h"
#include "base/metrics/process_metrics.h"
#include "base/rpc/call_metrics.h"
#include "ingest/ingest_metrics.h"
#include "server/database_watch.h"
#include "server/health_board.h"
#include "server/ingest_gate.h"
#include "server/version.h"
#include "store/sealer/sealer_worker.h"

namespace tidemark::server {
namespace {

using metrics::Reading;
using metrics::Unit;

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

// One of the facts, once there are any.
template <class Pick>
Reading::Ask Fact(const DatabaseWatch& watch, Pick pick) {
  return [&watch, pick]() -> double {
    const auto facts = watch.facts();
    return facts ? static_cast<double>(pick(*facts)) : kNotKnown;
  };
}

// "IngestService" of "tidemark.v1.IngestService".
std::string ShortName(const std::string& service) { return service.substr(service.rfind('.') + 1); }

}  // namespace

ServerMetrics::ServerMetrics(metrics::Registry& registry)
    : build_info(registry.AddReading({"tidemark_build_info", "1, with the version of the program."},
                                     "version")),
      serving(registry.AddReading(
          {"tidemark_serving",
           "1 while a service can be used, as grpc.health.v1 tells it; else 0."},
          "service")),
      ingest_accepting(registry.AddReading(
          {"tidemark_ingest_accepting",
           "1 while chunks are taken, 0 while ingest is refused for the sake of the data."})),
      self_probe_failures(
          registry.AddCounter({"tidemark_self_probe_failures_total",
                               "Times that the server did not answer itself on its own port."})),
      database_size(registry.AddReading(
          {"tidemark_database_size_bytes", "What the database takes on its disk.", Unit::kBytes})),
      database_free(registry.AddReading({"tidemark_database_free_bytes",
                                         "Room that the database has left, where a setting tells.",
                                         Unit::kBytes})),
      jobs_open(registry.AddReading({"tidemark_jobs_open", "Jobs, such as erasures, to be done."})),
      jobs_oldest(registry.AddReading(
          {"tidemark_jobs_oldest_seconds", "Age of the oldest of them.", Unit::kSeconds})),
      sealer_lag(registry.AddReading({"tidemark_sealer_lag_seconds",
                                      "Age of the oldest settled chunk that is not sealed.",
                                      Unit::kSeconds})),
      sealer_backlog(registry.AddReading({"tidemark_sealer_backlog_bytes",
                                          "Live payloads that wait to be sealed.", Unit::kBytes})) {
}

ServerMetrics& ServerMetrics::OfProcess() {
  static ServerMetrics& metrics = *new ServerMetrics(metrics::Registry::OfProcess());
  return metrics;
}

std::vector<Reading::Source> ServerReadings(const HealthBoard& health, const IngestGate& gate,
                                            const DatabaseWatch& watch,
                                            const std::vector<std::string>& services) {
  ServerMetrics& metrics = ServerMetrics::OfProcess();
  using Facts = DatabaseWatch::Facts;
  std::vector<Reading::Source> sources;
  sources.push_back(metrics.build_info.Add(kVersion, [] { return 1.0; }));
  for (const std::string& service : services) {
    sources.push_back(metrics.serving.Add(
        ShortName(service), [&health, service] { return health.IsServing(service) ? 1.0 : 0.0; }));
  }
  sources.push_back(
      metrics.ingest_accepting.Add([&gate] { return gate.refusal().ok() ? 1.0 : 0.0; }));
  sources.push_back(metrics.database_size.Add(
      Fact(watch, [](const Facts& facts) { return facts.database_bytes; })));
  sources.push_back(metrics.database_free.Add(Fact(watch, [](const Facts& facts) {
    return facts.free_bytes ? static_cast<double>(*facts.free_bytes) : kNotKnown;
  })));
  sources.push_back(
      metrics.jobs_open.Add(Fact(watch, [](const Facts& facts) { return facts.open_jobs; })));
  sources.push_back(
      metrics.jobs_oldest.Add(Fact(watch, [](const Facts& facts) { return facts.oldest_job_s; })));
  return sources;
}

void MakeAllMetrics() {
  metrics::ProcessMetrics::OfProcess();
  db::DatabaseMetrics::OfProcess();
  rpc::CallMetrics::OfProcess();
  ingest::IngestMetrics::OfProcess();
  sealer::SealerMetrics::OfProcess();
  ServerMetrics::OfProcess();
}

}  // namespace tidemark::server
