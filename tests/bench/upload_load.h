// A load of uploads: many streams at once, out of prepared messages, from one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/fleet.h"
#include "tests/bench/prepared_chunks.h"

namespace tidemark::bench {

// What one stream sends, in order.
struct LoadLane {
  const FleetDevice* device = nullptr;
  std::vector<PreparedMessage> messages;
  // Zero: as fast as the window lets it. Otherwise a message is due every so often, whatever became
  // of those before it, and its latency counts from then.
  absl::Duration period = absl::ZeroDuration();
  // The latency of every message is kept.
  bool is_watched = false;
};

struct LoadOptions {
  uint32_t window_chunks = 64;  // sent and not answered, of a stream
  // Nothing is sent after this; what is under way is waited for.
  absl::Duration send_for = absl::InfiniteDuration();
  // Chunks that are set aside are no fault.
  bool may_quarantine = false;
  // Called every so often, with what was answered so far, and once at the end of the sending.
  absl::Duration tick = absl::InfiniteDuration();
  std::function<void(uint64_t body_bytes)> on_tick = {};
};

struct LaneResult {
  uint64_t chunks = 0;  // decided
  uint64_t quarantined = 0;
  uint64_t body_bytes = 0;           // of decided chunks
  uint64_t body_bytes_in_time = 0;   // of those that were decided while sending went on
  std::vector<double> latencies_ms;  // of messages, from when they were due; if watched
  bool ran_dry = false;              // it had nothing more to send before the time was over
};

struct LoadResult {
  double seconds = 0;  // from the first message to the last receipt
  std::vector<LaneResult> lanes;

  uint64_t chunks() const;
  uint64_t body_bytes() const;
  double bytes_per_second() const { return static_cast<double>(body_bytes()) / seconds; }
};

// Opens a stream per lane, sends, waits for the last receipt and closes them; only sending is
// timed.
//   INTERNAL  a chunk was not stored: this is no measurement
absl::StatusOr<LoadResult> RunLoad(std::span<const LoadLane> lanes, const LoadOptions& options);

}  // namespace tidemark::bench
