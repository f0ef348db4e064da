#include "tests/bench/ingest_rates.h"

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "tests/bench/limits_database.h"
#include "tests/bench/rounds.h"
#include "tests/bench/upload_rig.h"

namespace tidemark::bench {
namespace {

constexpr size_t kSmallChunkBytes = 1'224;
constexpr size_t kChunkBytes = 16 << 10;
constexpr size_t kLargeChunkBytes = 64 << 10;
constexpr double kBytesPerMb = 1e6;
// To find the fastest way, a part of a round is enough.
constexpr int kWayPart = 4;

// How much of everything. A round moves this much per cell.
struct Amounts {
  int rounds;
  uint64_t round_bytes;
  uint64_t small_round_bytes;
  int lone_chunks;
  int rows;       // of samples
  int way_turns;  // to find the fastest way
};
constexpr Amounts kFull{7, 128 << 20, 48 << 20, 1'000, 300'000, 2};
constexpr Amounts kQuick{2, 8 << 20, 2 << 20, 100, 100'000, 1};
const Amounts& AmountsOf(const RigOptions& options) { return options.quick ? kQuick : kFull; }

using Kind = StoreWay::Kind;
constexpr StoreWay kWays[] = {
    {Kind::kCopy, 16, 1},   {Kind::kCopy, 64, 1},   {Kind::kCopy, 256, 1},
    {Kind::kCopy, 64, 2},   {Kind::kCopy, 256, 2},  {Kind::kCopy, 64, 4},
    {Kind::kInsert, 16, 1}, {Kind::kInsert, 64, 1}, {Kind::kInsert, 64, 2}};
constexpr StoreWay kSmallWays[] = {{Kind::kCopy, 256, 1},   {Kind::kCopy, 1'024, 1},
                                   {Kind::kCopy, 4'096, 1}, {Kind::kCopy, 256, 2},
                                   {Kind::kCopy, 1'024, 2}, {Kind::kCopy, 256, 4}};

// Uploads of one shape beside one way of storing the same bodies.
struct RateCells {
  std::unique_ptr<UploadRig> rig;
  LimitsDatabase* limits = nullptr;
  std::vector<std::string> bodies;
  StoreWay way;
  uint64_t round_bytes = 0;

  int rows() const { return static_cast<int>(round_bytes / bodies.front().size()); }
  Cell Upload(int messages) {
    return [this, messages]() -> absl::StatusOr<double> {
      const std::vector<LoadLane> lanes = rig->NextLanes(messages);
      TM_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(lanes, {}));
      return result.bytes_per_second();
    };
  }
  Cell Store(int hashes_per_row) {
    StoreWay hashed = way;
    hashed.hashes_per_row = hashes_per_row;
    return [this, hashed]() -> absl::StatusOr<double> {
      TM_ASSIGN_OR_RETURN(const double seconds,
                          StoreSeconds(limits->dsn(), hashed, bodies, rows()));
      return static_cast<double>(rows()) * static_cast<double>(bodies.front().size()) / seconds;
    };
  }
  absl::StatusOr<std::vector<std::vector<double>>> Run(std::span<const Cell> cells, int rounds) {
    return RunRounds(cells, rounds, [this] { return limits->cluster().Checkpoint(); });
  }
};

class IngestRates {
 public:
  static absl::Status Measure(const RigOptions& options, const MotionValues& motion,
                              std::vector<Figure>& figures, std::vector<double>& idle_mib);

 private:
  IngestRates(const RigOptions& options, LimitsDatabase limits, std::vector<Figure>& figures,
              std::vector<double>& idle_mib)
      : options_(options),
        amounts_(AmountsOf(options)),
        limits_(std::move(limits)),
        figures_(figures),
        idle_mib_(idle_mib) {}

  absl::StatusOr<RateCells> Prepare(const UploadRigOptions& rig, std::span<const StoreWay> ways,
                                    uint64_t round_bytes);
  absl::Status Measure16k(const MotionValues& values);
  // One cell of ours and the limit.
  struct Simple {
    std::string id;
    Aim aim;
    UploadRigOptions rig;
    std::span<const StoreWay> ways;
    uint64_t round_bytes;
  };
  absl::Status MeasureSimple(const Simple& simple);
  absl::Status MeasureLone(const MotionValues& values);

  const RigOptions& options_;
  const Amounts& amounts_;
  LimitsDatabase limits_;
  std::vector<Figure>& figures_;
  std::vector<double>& idle_mib_;
};

absl::StatusOr<RateCells> IngestRates::Prepare(const UploadRigOptions& rig,
                                               std::span<const StoreWay> ways,
                                               uint64_t round_bytes) {
  constexpr uint64_t kBodiesBytes = 16 << 20;
  RateCells cells;
  TM_ASSIGN_OR_RETURN(cells.rig, UploadRig::Make(options_, rig));
  idle_mib_.push_back(cells.rig->idle_mib());
  cells.limits = &limits_;
  cells.round_bytes = round_bytes;
  cells.bodies = cells.rig->SampleBodies(
      static_cast<int>(kBodiesBytes / (rig.shape.samples * rig.shape.channels * sizeof(int16_t))));
  TM_ASSIGN_OR_RETURN(cells.way, FastestWay(limits_.dsn(), ways, cells.bodies,
                                            cells.rows() / kWayPart, amounts_.way_turns));
  return cells;
}

// The same client against a server that discards.
absl::StatusOr<LoadResult> SendToNullSink(const RateCells& cells, const NullSinkProcess& sink,
                                          int messages) {
  std::vector<LoadLane> lanes = cells.rig->NextLanes(messages);
  std::vector<FleetDevice> devices;
  devices.reserve(lanes.size());
  for (LoadLane& lane : lanes) {
    devices.push_back(*lane.device);
    TM_ASSIGN_OR_RETURN(devices.back().channel, sink.Connect());
    lane.device = &devices.back();
  }
  return RunLoad(lanes, {});
}

absl::Status IngestRates::Measure16k(const MotionValues& values) {
  constexpr char kId[] = "ingest.acked_16k_vs_raw_ceiling";
  const std::vector<std::string> ids = {
      kId, "ingest.samples_vs_row_copy_100k", "ingest.samples_vs_row_copy_1k",
      "ingest.hashed_16k_vs_raw_ceiling", "ingest.null_sink_16k_vs_raw_ceiling"};
  if (!IsAskedFor(options_.only, ids)) return absl::OkStatus();
  const ChunkShape shape = ChunkShape::OfBytes(kChunkBytes);
  TM_ASSIGN_OR_RETURN(RateCells cells, Prepare({.name = "acked_16k",
                                                .streams = 16,
                                                .shape = shape,
                                                .chunks_per_message = 4,
                                                .values = &values},
                                               kWays, amounts_.round_bytes));
  TM_ASSIGN_OR_RETURN(const NullSinkProcess sink,
                      NullSinkProcess::Start(cells.rig->server().folder()));
  const int messages = cells.rig->MessagesFor(amounts_.round_bytes);
  const auto row_copy = [&](int rows_per_commit) -> Cell {
    return [this, rows_per_commit]() -> absl::StatusOr<double> {
      TM_ASSIGN_OR_RETURN(const double seconds,
                          SampleRowSeconds(limits_.dsn(), amounts_.rows, rows_per_commit));
      return amounts_.rows / seconds;
    };
  };
  const Cell null_sink = [&]() -> absl::StatusOr<double> {
    TM_ASSIGN_OR_RETURN(const LoadResult result, SendToNullSink(cells, sink, messages));
    return result.bytes_per_second();
  };
  const std::vector<Cell> all = {cells.Upload(messages), cells.Store(0),  cells.Store(2),
                                 row_copy(100'000),      row_copy(1'000), null_sink};
  TM_ASSIGN_OR_RETURN(const auto rates, cells.Run(all, amounts_.rounds));
  std::vector<double> samples_per_second = rates[0];
  const double body_bytes_per_sample =
      static_cast<double>(cells.bodies.front().size()) / shape.samples;
  for (double& rate : samples_per_second) rate /= body_bytes_per_sample;

  const std::string limit = cells.way.Name() + ", MB/s";
  figures_.push_back(
      RatioOf(kId, rates[0], rates[1], Better::kHigher, {0.6, 0.9}, limit, kBytesPerMb));
  figures_.push_back(RatioOf(ids[1], samples_per_second, rates[3], Better::kHigher, {20, 40},
                             "COPY of rows, 100 k a commit, rows/s"));
  figures_.push_back(RatioOf(ids[2], samples_per_second, rates[4], Better::kHigher, {45, 100},
                             "COPY of rows, 1 k a commit, rows/s"));
  figures_.push_back(RatioOf(ids[3], rates[2], rates[1], Better::kHigher, {}, limit, kBytesPerMb));
  figures_.push_back(RatioOf(ids[4], rates[5], rates[1], Better::kHigher, {}, limit, kBytesPerMb));
  return absl::OkStatus();
}

absl::Status IngestRates::MeasureSimple(const Simple& simple) {
  if (!IsAskedFor(options_.only, {simple.id})) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(RateCells cells, Prepare(simple.rig, simple.ways, simple.round_bytes));
  const std::vector<Cell> all = {cells.Upload(cells.rig->MessagesFor(simple.round_bytes)),
                                 cells.Store(0)};
  TM_ASSIGN_OR_RETURN(const auto rates, cells.Run(all, amounts_.rounds));
  figures_.push_back(RatioOf(simple.id, rates[0], rates[1], Better::kHigher, simple.aim,
                             cells.way.Name() + ", MB/s", kBytesPerMb));
  return absl::OkStatus();
}

absl::Status IngestRates::MeasureLone(const MotionValues& values) {
  constexpr char kId[] = "ingest.lone_vs_insert";
  if (!IsAskedFor(options_.only, {kId})) return absl::OkStatus();
  const int chunks = amounts_.lone_chunks;
  TM_ASSIGN_OR_RETURN(const auto rig,
                      UploadRig::Make(options_, {.name = "lone",
                                                 .streams = 1,
                                                 .shape = ChunkShape::OfBytes(kChunkBytes),
                                                 .chunks_per_message = 1,
                                                 .values = &values}));
  idle_mib_.push_back(rig->idle_mib());
  const std::string body = rig->SampleBodies(1).front();
  const std::vector<Cell> cells = {
      [&]() -> absl::StatusOr<double> {
        const std::vector<LoadLane> lanes = rig->NextLanes(chunks);
        TM_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(lanes, {.window_chunks = 1}));
        return chunks / result.seconds;
      },
      [&]() -> absl::StatusOr<double> {
        TM_ASSIGN_OR_RETURN(const double seconds, LoneInsertSeconds(limits_.dsn(), body, chunks));
        return chunks / seconds;
      }};
  TM_ASSIGN_OR_RETURN(const auto rates, RunRounds(cells, amounts_.rounds, [this] {
                        return limits_.cluster().Checkpoint();
                      }));
  figures_.push_back(RatioOf(kId, rates[0], rates[1], Better::kHigher, {0.2, 0.35},
                             "prepared INSERT and commit, rows/s"));
  return absl::OkStatus();
}

absl::Status IngestRates::Measure(const RigOptions& options, const MotionValues& motion,
                                  std::vector<Figure>& figures, std::vector<double>& idle_mib) {
  TM_ASSIGN_OR_RETURN(LimitsDatabase limits, LimitsDatabase::Make(options));
  IngestRates rates(options, std::move(limits), figures, idle_mib);
  const MotionValues noise = MotionValues::Noise();
  const Amounts& amounts = AmountsOf(options);
  TM_RETURN_IF_ERROR(rates.Measure16k(motion));
  UploadRigOptions large{.name = "acked_64k",
                         .streams = 16,
                         .shape = ChunkShape::OfBytes(kLargeChunkBytes),
                         .chunks_per_message = 4,
                         .values = &motion};
  TM_RETURN_IF_ERROR(rates.MeasureSimple(
      {"ingest.acked_64k_vs_raw_ceiling", {0.7, 1.05}, large, kWays, amounts.round_bytes}));
  large.name = "noise_64k";
  large.values = &noise;
  TM_RETURN_IF_ERROR(rates.MeasureSimple(
      {"ingest.acked_64k_vs_stored_ceiling", {0.5, 0.75}, large, kWays, amounts.round_bytes}));
  const UploadRigOptions small{.name = "small",
                               .streams = 64,
                               .shape = ChunkShape::OfBytes(kSmallChunkBytes),
                               .chunks_per_message = 8,
                               .values = &motion};
  TM_RETURN_IF_ERROR(rates.MeasureSimple(
      {"ingest.small_vs_copy", {0.3, 0.45}, small, kSmallWays, amounts.small_round_bytes}));
  return rates.MeasureLone(motion);
}

}  // namespace

std::string IngestRatesMethod() {
  return fmt::format(
      R"(Speeds are ratios in {} rounds in which we and the limit take turns, after one that does
not count and a checkpoint before each turn; every figure has a server and a database of its own.
Devices send messages that were made before, each over a connection of its own, with a window of
64 chunks: 16 streams of 4 chunks a message, small ones 64 streams of 8. Values are real motion
where it is there, at 100 Hz; those of `acked_64k_vs_stored_ceiling` are noise. All speeds are of
bytes as sent. The sealer is idle. The limit is the fastest of several ways of storing the same
bodies by libpq, found before: COPY BINARY or pipelined INSERT, 16 to 256 rows a commit (small
ones up to 4,096), 1 to 4 connections, into a table without any key. `hashed_16k` is the same
limit with two SHA-256 over each body, as a device and a server make them; `null_sink_16k` our
client before a server that discards. Rows of samples are (stream, time, x, y, z) with a primary
key, by COPY BINARY over one connection, beside the samples of `acked_16k`. `lone_vs_insert` has
one chunk of 16 KiB under way.
)",
      kFull.rounds);
}

absl::Status MeasureIngestRates(const RigOptions& options, const MotionValues& motion,
                                std::vector<Figure>& figures, std::vector<double>& idle_mib) {
  return IngestRates::Measure(options, motion, figures, idle_mib);
}

}  // namespace tidemark::bench
