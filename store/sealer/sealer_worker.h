// The thread of a server that seals what settles, behind ingest.
#pragma once

#include <array>
#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "base/metrics/registry.h"
#include "base/mutex.h"
#include "store/sealer/sealer.h"

namespace tidemark::sealer {

struct SealerWorkerOptions {
  SealerOptions sealer;
  // Whether ingest has messages under way; asked between two runs, so it must answer from memory.
  // Empty: never.
  std::function<bool()> ingest_is_busy = {};
  // Of the time while ingest is busy, and while it is and more than this waits.
  double busy_share = 0.25;
  double behind_share = 0.5;
  int64_t behind_bytes = int64_t{64} << 20;
  // Between two rounds that found nothing to seal.
  absl::Duration look_period = absl::Seconds(5);
};

// How it goes, for whoever exports it. The backlog is as of the last round.
struct SealerReadings {
  SealBacklog backlog;
  SealTotals totals;
  bool last_round_failed = false;
};

// What is counted of it; how far behind it is, the server says.
struct SealerMetrics {
  explicit SealerMetrics(metrics::Registry& registry);
  static SealerMetrics& OfProcess();

  metrics::Reading& live_segments;
  metrics::Reading& faults;
  metrics::Counter& runs;
  metrics::Counter& chunks;
  metrics::Counter& source_bytes;
  metrics::Counter& sealed_bytes;
};

// How long to rest after so much work, so that work has the share that the options give it.
absl::Duration RestAfter(const SealerWorkerOptions& options, absl::Duration worked, bool busy,
                         int64_t bytes_waiting);

// Thread-safe.
class SealerWorker {
 public:
  explicit SealerWorker(SealerWorkerOptions options);
  ~SealerWorker();

  // Ends after the run under way. Idempotent.
  void Stop() TM_EXCLUDES(mutex_);
  SealerReadings readings() TM_EXCLUDES(mutex_);

 private:
  class Pacer;

  void Loop();
  bool RunRound(Pacer& pacer);
  // False when it is time to stop.
  bool Sleep(absl::Duration duration) TM_EXCLUDES(mutex_);

  const SealerWorkerOptions options_;
  Sealer sealer_;  // of the thread
  Mutex mutex_;
  CondVar stop_asked_;
  bool stopping_ TM_GUARDED_BY(mutex_) = false;
  SealerReadings readings_ TM_GUARDED_BY(mutex_);
  const std::array<metrics::Reading::Source, 2> sources_;
  std::thread thread_;
};

}  // namespace tidemark::sealer
