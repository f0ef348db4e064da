// What is counted about ingest.
#pragma once

#include <array>

#include "base/bounded_queue.h"
#include "base/metrics/registry.h"
#include "ingest/chunk.h"

namespace tidemark::ingest {

struct IngestMetrics {
  explicit IngestMetrics(metrics::Registry& registry);
  static IngestMetrics& OfProcess();

  // A receipt that says this.
  void Count(const Verdict& verdict);

  metrics::Counters& receipts;         // by outcome, in the order of its numbers
  metrics::Counters& receipt_reasons;  // by reason, likewise
  metrics::Counter& undecided_chunks;
  metrics::Counter& received_bytes;
  metrics::Counter& stored_bytes;
  metrics::Reading& queue_messages;  // by stage
  metrics::Reading& queue_bytes;
  metrics::Histogram& commit_chunks;
  metrics::Histogram& commit_bytes;
  metrics::Histogram& commit_duration;
  metrics::Level& open_uploads;
};

// Values of the label "stage".
inline constexpr char kAdmissionStage[] = "admission";
inline constexpr char kWriterStage[] = "writer";

// What a queue of messages, which outlives them, says of itself.
template <class T>
std::array<metrics::Reading::Source, 2> ReadingsOf(const BoundedQueue<T>& queue,
                                                   const char* stage) {
  IngestMetrics& metrics = IngestMetrics::OfProcess();
  return {metrics.queue_messages.Add(stage, [&] { return static_cast<double>(queue.size()); }),
          metrics.queue_bytes.Add(stage, [&] { return static_cast<double>(queue.weight()); })};
}

}  // namespace tidemark::ingest
