#include "tests/bench/ingest_steady.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "tests/bench/limits_database.h"
#include "tests/bench/pg_session.h"
#include "tests/bench/rounds.h"
#include "tests/bench/upload_rig.h"

namespace tidemark::bench {
namespace {

constexpr char kSteadyId[] = "ingest.steady_vs_raw_ceiling";
constexpr char kUnsealedId[] = "ingest.steady_unsealed_share";
constexpr int kStreams = 16;
// What the sealer may leave live of a stream (docs/adr/0026): only what grows beyond it is a debt.
constexpr uint64_t kLiveBytesPerStream = 32 << 20;
constexpr uint64_t kPreparedBytesMax = uint64_t{12} << 30;

struct SteadyTimes {
  absl::Duration ours;
  absl::Duration limit;  // before and after ours, each
  absl::Duration window;
};
constexpr SteadyTimes kFullTimes{absl::Seconds(60), absl::Seconds(30), absl::Seconds(10)};
constexpr SteadyTimes kQuickTimes{absl::Seconds(3), absl::Seconds(2), absl::Milliseconds(500)};

// Half of what is free: the rest is for the database's files.
uint64_t PreparedBytesMax() {
  constexpr std::string_view kName = "MemAvailable:";
  std::ifstream memory("/proc/meminfo");
  for (std::string line; std::getline(memory, line);) {
    if (!line.starts_with(kName)) continue;
    const auto available = std::stoull(line.substr(kName.size())) << 10;
    return std::min<uint64_t>(available / 2, kPreparedBytesMax);
  }
  return kPreparedBytesMax / 4;
}

// Bytes per second of each whole window, out of what was done so far.
class WindowRates {
 public:
  explicit WindowRates(absl::Duration window) : window_(window) {}

  void Add(uint64_t bytes) {
    const auto at = static_cast<size_t>((absl::Now() - begin_) / window_);
    if (bytes_.size() <= at) bytes_.resize(at + 1);
    bytes_[at] += static_cast<double>(bytes);
  }
  // The last window is not whole.
  std::vector<double> Rates() const {
    std::vector<double> rates;
    for (size_t i = 0; i + 1 < bytes_.size(); ++i) {
      rates.push_back(bytes_[i] / absl::ToDoubleSeconds(window_));
    }
    return rates;
  }

 private:
  const absl::Duration window_;
  const absl::Time begin_ = absl::Now();
  std::vector<double> bytes_;
};

// What lies unsealed, as bytes of bodies: of stored bytes as many stand for one as of all.
class SealerDebt {
 public:
  static absl::StatusOr<SealerDebt> Watch(const std::string& dsn) {
    TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
    return SealerDebt(std::move(session));
  }
  absl::StatusOr<double> UnsealedShare() {
    TM_ASSIGN_OR_RETURN(
        const int64_t per_mille,
        session_.Number("select coalesce(1000 * sum(stored_bytes) filter (where not "
                        "sealed) / nullif(sum(stored_bytes), 0), 0)::int8 from "
                        "segment"));
    return static_cast<double>(per_mille) / 1'000;
  }

 private:
  explicit SealerDebt(PgSession session) : session_(std::move(session)) {}
  PgSession session_;
};

// The speed of ours in each window. What stays unsealed beyond what may is no speed that holds, and
// is taken off the window in which it grew.
struct SteadyRun {
  std::vector<double> rates;
  double unsealed_share = 0;
};

absl::StatusOr<SteadyRun> RunSteady(UploadRig& rig, const SteadyTimes& times) {
  TM_ASSIGN_OR_RETURN(SealerDebt debt, SealerDebt::Watch(rig.server().SuperuserDsn()));
  constexpr uint64_t kProbeBytes = 64 << 20;
  const std::vector<LoadLane> probe = rig.NextLanes(rig.MessagesFor(kProbeBytes));
  TM_ASSIGN_OR_RETURN(const LoadResult probed, RunLoad(probe, {}));
  constexpr double kMoreThanProbed = 1.6;
  const auto wanted = static_cast<uint64_t>(probed.bytes_per_second() * kMoreThanProbed *
                                            absl::ToDoubleSeconds(times.ours));
  const std::vector<LoadLane> lanes =
      rig.NextLanes(rig.MessagesFor(std::min(wanted, PreparedBytesMax())));

  SteadyRun run;
  absl::Status fault;
  double bytes_before = 0;
  double owed_before = 0;
  const auto on_tick = [&](uint64_t body_bytes) {
    const absl::StatusOr<double> share = debt.UnsealedShare();
    if (!share.ok()) fault = share.status();
    if (!share.ok()) return;
    run.unsealed_share = *share;
    const auto bytes = static_cast<double>(body_bytes);
    const double owed =
        std::max(0.0, *share * bytes - static_cast<double>(kStreams * kLiveBytesPerStream));
    const double held = bytes - bytes_before - std::max(0.0, owed - owed_before);
    run.rates.push_back(std::max(0.0, held) / absl::ToDoubleSeconds(times.window));
    bytes_before = bytes;
    owed_before = owed;
  };
  // A little longer, so that the last window is whole.
  TM_RETURN_IF_ERROR(
      RunLoad(lanes,
              {.send_for = times.ours + times.window / 2, .tick = times.window, .on_tick = on_tick})
          .status());
  TM_RETURN_IF_ERROR(fault);
  const auto whole = static_cast<size_t>(times.ours / times.window);
  run.rates.resize(std::min(run.rates.size(), whole));
  return run;
}

absl::Status AddLimitWindows(const LimitsDatabase& limits, const StoreWay& way,
                             std::span<const std::string> bodies, const SteadyTimes& times,
                             std::vector<double>& rates) {
  WindowRates windows(times.window);
  TM_RETURN_IF_ERROR(StoreFor(limits.dsn(), way, bodies, times.limit + times.window / 2,
                              [&](uint64_t bytes) { windows.Add(bytes); }));
  const std::vector<double> more = windows.Rates();
  rates.insert(rates.end(), more.begin(), more.end());
  return absl::OkStatus();
}

}  // namespace

std::string IngestSteadyMethod() {
  return R"(`steady` uploads chunks of 16 KiB from 16 streams for 60 s with the sealer at work,
between two runs of 30 s of the limit; speeds are compared window by window of 10 s. Bytes that
wait for the sealer beyond the 32 MiB a stream that it may leave are taken off.
)";
}

absl::Status MeasureIngestSteady(const RigOptions& options, const MotionValues& motion,
                                 std::vector<Figure>& figures, std::vector<double>& idle_mib) {
  if (!IsAskedFor(options.only, {kSteadyId, kUnsealedId})) return absl::OkStatus();
  const SteadyTimes& times = options.quick ? kQuickTimes : kFullTimes;
  TM_ASSIGN_OR_RETURN(LimitsDatabase limits, LimitsDatabase::Make(options));
  constexpr size_t kChunkBytes = 16 << 10;
  TM_ASSIGN_OR_RETURN(const auto rig,
                      UploadRig::Make(options, {.name = "steady",
                                                .streams = kStreams,
                                                .shape = ChunkShape::OfBytes(kChunkBytes),
                                                .chunks_per_message = 4,
                                                .values = &motion,
                                                .sealer = BenchServer::Sealer::kWorking}));
  idle_mib.push_back(rig->idle_mib());
  const std::vector<std::string> bodies = rig->SampleBodies(1'024);
  using Kind = StoreWay::Kind;
  constexpr StoreWay kWays[] = {
      {Kind::kCopy, 64, 1}, {Kind::kCopy, 64, 2}, {Kind::kCopy, 256, 2}, {Kind::kInsert, 64, 2}};
  TM_ASSIGN_OR_RETURN(const StoreWay way,
                      FastestWay(limits.dsn(), kWays, bodies, 4'096, options.quick ? 1 : 2));

  std::vector<double> limit_rates;
  TM_RETURN_IF_ERROR(AddLimitWindows(limits, way, bodies, times, limit_rates));
  TM_RETURN_IF_ERROR(limits.cluster().Checkpoint());
  TM_ASSIGN_OR_RETURN(const SteadyRun run, RunSteady(*rig, times));
  TM_RETURN_IF_ERROR(limits.cluster().Checkpoint());
  TM_RETURN_IF_ERROR(AddLimitWindows(limits, way, bodies, times, limit_rates));
  constexpr double kBytesPerMb = 1e6;
  figures.push_back(RatioOf(kSteadyId, run.rates, limit_rates, Better::kHigher, {0.4, 0.65},
                            way.Name() + ", MB/s", kBytesPerMb));
  figures.push_back(Counted(kUnsealedId, run.unsealed_share, "ratio", Better::kLower));
  return absl::OkStatus();
}

}  // namespace tidemark::bench
