#include "store/sealer/sealer_worker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace tidemark::sealer {
namespace {

// A rest is never longer: what lies live slows readers.
constexpr absl::Duration kRestMax = absl::Seconds(2);

void CountSince(const SealTotals& before, const SealTotals& now) {
  SealerMetrics& metrics = SealerMetrics::OfProcess();
  const auto add = [](metrics::Counter& counter, int64_t more) {
    counter.Add(static_cast<uint64_t>(more));
  };
  add(metrics.runs, now.runs - before.runs);
  add(metrics.chunks, now.chunks - before.chunks);
  add(metrics.source_bytes, now.source_bytes - before.source_bytes);
  add(metrics.sealed_bytes, now.sealed_bytes - before.sealed_bytes);
}

}  // namespace

SealerMetrics::SealerMetrics(metrics::Registry& registry)
    : live_segments(registry.AddReading(
          {"tidemark_sealer_live_segments", "Segments that wait to be sealed, of all studies."})),
      faults(registry.AddReading(
          {"tidemark_sealer_faulty_segments", "Segments that could not be sealed and were left."})),
      runs(registry.AddCounter({"tidemark_sealer_runs_total", "Runs that were sealed."})),
      chunks(registry.AddCounter({"tidemark_sealer_chunks_total",
                                  "Chunks that were sealed, and again where runs were merged."})),
      source_bytes(registry.AddCounter({"tidemark_sealer_source_bytes_total",
                                        "Payloads that were packed anew.", metrics::Unit::kBytes})),
      sealed_bytes(
          registry.AddCounter({"tidemark_sealer_sealed_bytes_total",
                               "What they became, tiles included.", metrics::Unit::kBytes})) {}

SealerMetrics& SealerMetrics::OfProcess() {
  static auto* const metrics = new SealerMetrics(metrics::Registry::OfProcess());
  return *metrics;
}

class SealerWorker::Pacer final : public SealPacer {
 public:
  explicit Pacer(SealerWorker& worker) : worker_(worker) {}

  void Rest(absl::Duration worked, int64_t bytes_waiting) override {
    const SealerWorkerOptions& options = worker_.options_;
    const bool busy = options.ingest_is_busy && options.ingest_is_busy();
    const absl::Duration rest = RestAfter(options, worked, busy, bytes_waiting);
    if (rest > absl::ZeroDuration()) worker_.Sleep(rest);
  }
  bool IsStopping() override {
    MutexLock lock(worker_.mutex_);
    return worker_.stopping_;
  }

 private:
  SealerWorker& worker_;
};

absl::Duration RestAfter(const SealerWorkerOptions& options, absl::Duration worked, bool busy,
                         int64_t bytes_waiting) {
  if (!busy) return absl::ZeroDuration();
  const double share =
      bytes_waiting > options.behind_bytes ? options.behind_share : options.busy_share;
  return std::min(worked * (1 / share - 1), kRestMax);
}

SealerWorker::SealerWorker(SealerWorkerOptions options)
    : options_(std::move(options)),
      sealer_(options_.sealer),
      sources_{
          SealerMetrics::OfProcess().live_segments.Add(
              [this] { return static_cast<double>(readings().backlog.segments); }),
          SealerMetrics::OfProcess().faults.Add(
              [this] { return static_cast<double>(readings().backlog.faults); }),
      },
      thread_([this] { Loop(); }) {}

SealerWorker::~SealerWorker() { Stop(); }

void SealerWorker::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stop_asked_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

SealerReadings SealerWorker::readings() {
  MutexLock lock(mutex_);
  return readings_;
}

bool SealerWorker::Sleep(absl::Duration duration) {
  MutexLock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(duration);
  while (!stopping_ && stop_asked_.WaitUntil(mutex_, until)) {
  }
  return !stopping_;
}

// Whether something was sealed.
bool SealerWorker::RunRound(Pacer& pacer) {
  const absl::StatusOr<int64_t> sealed = sealer_.RunOnce(pacer);
  if (!sealed.ok()) LogWarning("sealing waits: {}", std::string(sealed.status().message()));
  const absl::StatusOr<SealBacklog> backlog =
      sealed.ok() ? sealer_.Backlog() : absl::StatusOr<SealBacklog>(sealed.status());
  MutexLock lock(mutex_);
  CountSince(readings_.totals, sealer_.totals());
  readings_.totals = sealer_.totals();
  readings_.last_round_failed = !backlog.ok();
  if (backlog.ok()) readings_.backlog = *backlog;
  return sealed.ok() && *sealed > 0;
}

void SealerWorker::Loop() {
  Pacer pacer(*this);
  for (bool goes_on = true; goes_on;) {
    const bool sealed = RunRound(pacer);
    // What came meanwhile may have completed something.
    goes_on = sealed ? !pacer.IsStopping() : Sleep(options_.look_period);
  }
}

}  // namespace tidemark::sealer
