#include "tests/bench/ingest_pressure.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "tests/bench/rounds.h"
#include "tests/bench/upload_rig.h"

namespace tidemark::bench {
namespace {

constexpr char kFairP99Id[] = "ingest.fair_p99_ratio";
constexpr char kFairShareId[] = "ingest.fair_share";
constexpr char kPoisonId[] = "ingest.poison_cost";
constexpr char kFullMemoryId[] = "ingest.rss_full_mib";
constexpr char kIdleMemoryId[] = "ingest.rss_idle_mib";

constexpr size_t kChunkBytes = 16 << 10;
constexpr size_t kBacklogChunkBytes = 64 << 10;
constexpr size_t kLightChunkBytes = 2 << 10;
// More than any server of this size takes: what a lane is prepared for.
constexpr double kBytesPerSecondMax = 300e6;

struct PressureAmounts {
  int rounds;
  int poison_rounds;
  absl::Duration fair_round;
  uint64_t poison_round_bytes;
  absl::Duration pause;  // of PostgreSQL
};
constexpr PressureAmounts kFullPressure{5, 9, absl::Seconds(4), 96 << 20, absl::Seconds(10)};
constexpr PressureAmounts kQuickPressure{2, 2, absl::Seconds(1), 8 << 20, absl::Seconds(2)};

Figure Judged(Figure figure, const Aim& aim) {
  figure.floor = aim.floor;
  figure.goal = aim.goal;
  return figure;
}

// Fairness ---------------------------------------------------------------------------------------

constexpr size_t kLightDevices = 8;
constexpr absl::Duration kLightPeriod = absl::Milliseconds(40);

// One device with a backlog, or what it sends spread over all, beside light ones; and several with
// backlogs of unequal size. The rig's device 0 has the large backlog, the next ones are light.
class Fairness {
 public:
  Fairness(UploadRig& rig, const MotionValues& values, absl::Duration round)
      : rig_(rig), round_(round) {
    for (size_t i = 0; i <= kLightDevices; ++i) {
      const StreamId stream = rig.fleet().devices[i].stream_id;
      light_.emplace_back(stream, &values, ChunkShape::OfBytes(kLightChunkBytes), i);
      medium_.emplace_back(stream, &values, ChunkShape::OfBytes(kChunkBytes), i);
    }
  }

  // p99 beside a backlog to p99 beside the same bytes from all devices.
  absl::StatusOr<double> P99Ratio();
  // The worst device's bytes to what max-min fairness gives it.
  absl::StatusOr<double> WorstShare();

 private:
  static constexpr size_t kBacklogs = 4;  // of WorstShare, the large one among them

  int LightMessages() const { return static_cast<int>(round_ / kLightPeriod); }
  LoadLane LightLane(size_t device) {
    return {.device = &rig_.fleet().devices[device],
            .messages = PrepareMessages(light_[device], LightMessages(), 1),
            .period = kLightPeriod,
            .is_watched = true};
  }
  int BacklogMessages(size_t chunk_bytes, int chunks) const {
    return static_cast<int>(kBytesPerSecondMax * absl::ToDoubleSeconds(round_) /
                            static_cast<double>(chunk_bytes) / chunks);
  }
  static double P99(const LoadResult& result) {
    std::vector<double> all;
    for (const LaneResult& lane : result.lanes) {
      all.insert(all.end(), lane.latencies_ms.begin(), lane.latencies_ms.end());
    }
    return QuantileOf(std::move(all), 0.99);
  }
  absl::StatusOr<double> EvenP99(double bytes_per_second);

  UploadRig& rig_;
  const absl::Duration round_;
  std::vector<ChunkMaker> light_;
  std::vector<ChunkMaker> medium_;
};

absl::StatusOr<double> Fairness::P99Ratio() {
  std::vector<LoadLane> lanes = {rig_.NextLane(0, BacklogMessages(kBacklogChunkBytes, 1))};
  for (size_t i = 1; i <= kLightDevices; ++i) lanes.push_back(LightLane(i));
  TM_ASSIGN_OR_RETURN(const LoadResult beside, RunLoad(lanes, {.send_for = round_}));
  const double rate =
      static_cast<double>(beside.lanes[0].body_bytes_in_time) / absl::ToDoubleSeconds(round_);
  TM_ASSIGN_OR_RETURN(const double even, EvenP99(rate));
  return P99(beside) / even;
}

absl::StatusOr<double> Fairness::EvenP99(double bytes_per_second) {
  constexpr auto kDevices = static_cast<double>(kLightDevices + 1);
  const absl::Duration period =
      absl::Seconds(kDevices * static_cast<double>(kBacklogChunkBytes) / bytes_per_second);
  const auto messages = static_cast<int>(round_ / period) + 1;
  std::vector<LoadLane> lanes;
  for (size_t i = 0; i <= kLightDevices; ++i) {
    lanes.push_back(rig_.NextLane(i, messages));
    lanes.back().period = period;
  }
  for (size_t i = 1; i <= kLightDevices; ++i) lanes.push_back(LightLane(i));
  TM_ASSIGN_OR_RETURN(const LoadResult even, RunLoad(lanes, {.send_for = round_}));
  return P99(even);
}

absl::StatusOr<double> Fairness::WorstShare() {
  constexpr int kChunksPerMessage = 4;
  std::vector<LoadLane> lanes = {rig_.NextLane(0, BacklogMessages(kBacklogChunkBytes, 1))};
  for (size_t i = 1; i < kBacklogs; ++i) {
    const int messages = BacklogMessages(kChunkBytes, kChunksPerMessage) / 2;
    lanes.push_back({.device = &rig_.fleet().devices[i],
                     .messages = PrepareMessages(medium_[i], messages, kChunksPerMessage)});
  }
  for (size_t i = kBacklogs; i <= kLightDevices; ++i) lanes.push_back(LightLane(i));
  TM_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(lanes, {.send_for = round_}));

  double taken = 0;
  double wanted_by_light = 0;
  for (const LaneResult& lane : result.lanes) taken += static_cast<double>(lane.body_bytes_in_time);
  for (size_t i = kBacklogs; i < lanes.size(); ++i) {
    for (const PreparedMessage& message : lanes[i].messages) {
      wanted_by_light += static_cast<double>(message.body_bytes);
    }
  }
  const double fair_backlog = (taken - wanted_by_light) / kBacklogs;
  const double fair_light = wanted_by_light / static_cast<double>(lanes.size() - kBacklogs);
  double worst = 1;
  for (size_t i = 0; i < result.lanes.size(); ++i) {
    const double fair = i < kBacklogs ? fair_backlog : fair_light;
    worst = std::min(worst, static_cast<double>(result.lanes[i].body_bytes_in_time) / fair);
  }
  return worst;
}

absl::Status MeasureFairness(const RigOptions& options, const PressureAmounts& amounts,
                             const MotionValues& values, std::vector<Figure>& figures,
                             std::vector<double>& idle_mib) {
  if (!IsAskedFor(options.only, {kFairP99Id, kFairShareId})) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const auto rig,
                      UploadRig::Make(options, {.name = "fair",
                                                .streams = static_cast<int>(kLightDevices) + 1,
                                                .shape = ChunkShape::OfBytes(kBacklogChunkBytes),
                                                .chunks_per_message = 1,
                                                .values = &values}));
  idle_mib.push_back(rig->idle_mib());
  Fairness fairness(*rig, values, amounts.fair_round);
  const std::vector<Cell> cells = {[&] { return fairness.P99Ratio(); },
                                   [&] { return fairness.WorstShare(); }};
  TM_ASSIGN_OR_RETURN(const auto rounds, RunRounds(cells, amounts.rounds, [&] {
                        return rig->server().cluster().Checkpoint();
                      }));
  figures.push_back(Judged(MedianOf(kFairP99Id, rounds[0], "ratio", Better::kLower), {2, 1.3}));
  figures.push_back(
      Judged(MedianOf(kFairShareId, rounds[1], "ratio", Better::kHigher), {0.8, 0.95}));
  return absl::OkStatus();
}

// Poison -----------------------------------------------------------------------------------------

constexpr int kPoisonStreams = 16;
constexpr int kPoisonChunksPerMessage = 4;
constexpr int kChunksPerPoison = 100;
// So long ago that it is stored: more than a window.
constexpr uint64_t kConflictAgo = 96;

// Messages of one stream of which one chunk in a hundred is poison: by turns one that admission
// sets aside, and one that the database finds to be a conflict.
LoadLane PoisonedLane(UploadRig& rig, size_t stream, int messages, uint64_t& poison) {
  ChunkMaker& maker = rig.maker(stream);
  LoadLane lane;
  lane.device = &rig.fleet().devices[stream];
  for (int i = 0; i < messages; ++i) {
    const uint64_t first_number = maker.next_number();
    std::vector<v1::ChunkEnvelope> envelopes;
    for (int j = 0; j < kPoisonChunksPerMessage; ++j) {
      const int chunk = i * kPoisonChunksPerMessage + j;
      if (chunk % kChunksPerPoison != kChunksPerPoison - 1) {
        envelopes.push_back(maker.Next());
        continue;
      }
      const bool conflicts = (++poison + stream) % 2 == 0;
      envelopes.push_back(conflicts ? maker.ConflictWith(kConflictAgo)
                                    : maker.NextSpanningTooMuch());
    }
    lane.messages.push_back(Prepare(std::move(envelopes), first_number));
  }
  return lane;
}

absl::StatusOr<double> PoisonedRate(UploadRig& rig, int messages) {
  std::vector<LoadLane> lanes;
  uint64_t poison = 0;
  for (size_t i = 0; i < kPoisonStreams; ++i) {
    lanes.push_back(PoisonedLane(rig, i, messages, poison));
  }
  TM_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(lanes, {.may_quarantine = true}));
  uint64_t quarantined = 0;
  for (const LaneResult& lane : result.lanes) quarantined += lane.quarantined;
  if (quarantined != poison) return absl::InternalError("not all of the poison was set aside");
  return static_cast<double>(result.chunks()) / result.seconds;
}

absl::Status MeasurePoison(const RigOptions& options, const PressureAmounts& amounts,
                           const MotionValues& values, std::vector<Figure>& figures,
                           std::vector<double>& idle_mib) {
  if (!IsAskedFor(options.only, {kPoisonId})) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const auto rig,
                      UploadRig::Make(options, {.name = "poison",
                                                .streams = kPoisonStreams,
                                                .shape = ChunkShape::OfBytes(kChunkBytes),
                                                .chunks_per_message = kPoisonChunksPerMessage,
                                                .values = &values}));
  idle_mib.push_back(rig->idle_mib());
  // At least one poison chunk in every stream.
  const int messages = std::max(rig->MessagesFor(amounts.poison_round_bytes),
                                kChunksPerPoison / kPoisonChunksPerMessage);
  const std::vector<Cell> cells = {[&]() -> absl::StatusOr<double> {
                                     TM_ASSIGN_OR_RETURN(const LoadResult result,
                                                         RunLoad(rig->NextLanes(messages), {}));
                                     return static_cast<double>(result.chunks()) / result.seconds;
                                   },
                                   [&] { return PoisonedRate(*rig, messages); }};
  TM_ASSIGN_OR_RETURN(const auto rates, RunRounds(cells, amounts.poison_rounds, [&] {
                        return rig->server().cluster().Checkpoint();
                      }));
  std::vector<double> losses;
  for (size_t i = 0; i < rates[0].size(); ++i) losses.push_back(1 - rates[1][i] / rates[0][i]);
  Figure figure = Judged(MedianOf(kPoisonId, losses, "ratio", Better::kLower), {0.05, 0.01});
  figure.limit = Limit{"chunks/s without", QuantileOf(rates[0], 0.5)};
  figures.push_back(std::move(figure));
  return absl::OkStatus();
}

// Memory -----------------------------------------------------------------------------------------

constexpr int kMemoryStreams = 64;
constexpr absl::Duration kBesidePause = absl::Seconds(2);  // before and after

// The most that a server holds while everything is sent to it and its database hangs.
absl::StatusOr<double> FullMemory(UploadRig& rig, absl::Duration pause) {
  const auto bytes =
      static_cast<uint64_t>(kBytesPerSecondMax * absl::ToDoubleSeconds(2 * kBesidePause));
  const std::vector<LoadLane> lanes = rig.NextLanes(rig.MessagesFor(bytes));
  ClusterControl& cluster = rig.server().cluster();
  TM_RETURN_IF_ERROR(rig.server().process().ForgetPeak());
  absl::Status fault;
  absl::Duration passed;
  constexpr absl::Duration kTick = absl::Milliseconds(500);
  const auto on_tick = [&](uint64_t) {
    passed += kTick;
    if (passed == kBesidePause) fault.Update(cluster.Pause());
    if (passed == kBesidePause + pause) fault.Update(cluster.Resume());
  };
  const absl::StatusOr<LoadResult> result =
      RunLoad(lanes, {.send_for = 2 * kBesidePause + pause, .tick = kTick, .on_tick = on_tick});
  fault.Update(cluster.Resume());
  TM_RETURN_IF_ERROR(fault);
  TM_RETURN_IF_ERROR(result.status());
  return rig.server().process().PeakResidentMib();
}

absl::Status MeasureFullMemory(const RigOptions& options, const PressureAmounts& amounts,
                               const MotionValues& values, std::vector<Figure>& figures,
                               std::vector<double>& idle_mib) {
  if (!IsAskedFor(options.only, {kFullMemoryId})) return absl::OkStatus();
  double most_mib = 0;
  for (int turn = 0; turn < (options.quick ? 1 : 2); ++turn) {
    TM_ASSIGN_OR_RETURN(const auto rig,
                        UploadRig::Make(options, {.name = "memory",
                                                  .streams = kMemoryStreams,
                                                  .shape = ChunkShape::OfBytes(kChunkBytes),
                                                  .chunks_per_message = 4,
                                                  .values = &values}));
    idle_mib.push_back(rig->idle_mib());
    TM_ASSIGN_OR_RETURN(const double mib, FullMemory(*rig, amounts.pause));
    most_mib = std::max(most_mib, mib);
  }
  figures.push_back(Judged(Counted(kFullMemoryId, most_mib, "MiB", Better::kLower), {256, 128}));
  return absl::OkStatus();
}

}  // namespace

std::string IngestPressureMethod() {
  return R"(Fairness: 8 light devices send 2 KiB every 40 ms, each on time whatever became of the
chunk before. `fair_p99` is the p99 of their receipts beside one device that sends chunks of 64
KiB as fast as its window lets it, to that beside the same bytes sent evenly by all nine.
`fair_share` has four devices with a backlog, one with chunks of 64 KiB and three of 16 KiB,
beside 5 light ones: the least that a device got of its share by max-min fairness on bytes.
`poison_cost` is the part of the chunks per second that is lost when one in 100 is set aside, half
of them by admission (stamps over more than an hour), half by the database (another chunk's
number). `rss_idle` is the memory of a server 1 s after its start, `rss_full` the most that it
held (of two runs) while 64 streams sent as fast as they may and every process of PostgreSQL was
stopped for 10 s.
)";
}

absl::Status MeasureIngestPressure(const RigOptions& options, const MotionValues& motion,
                                   std::vector<Figure>& figures, std::vector<double>& idle_mib) {
  const PressureAmounts& amounts = options.quick ? kQuickPressure : kFullPressure;
  TM_RETURN_IF_ERROR(MeasureFairness(options, amounts, motion, figures, idle_mib));
  TM_RETURN_IF_ERROR(MeasurePoison(options, amounts, motion, figures, idle_mib));
  return MeasureFullMemory(options, amounts, motion, figures, idle_mib);
}

absl::Status MeasureIdleMemory(const RigOptions& options, std::vector<double> idle_mib,
                               std::vector<Figure>& figures) {
  if (!IsAskedFor(options.only, {kIdleMemoryId})) return absl::OkStatus();
  const MotionValues values = MotionValues::Noise();
  while (idle_mib.size() < kValuesForInterval) {
    TM_ASSIGN_OR_RETURN(const auto rig,
                        UploadRig::Make(options, {.name = "idle",
                                                  .streams = 1,
                                                  .shape = ChunkShape::OfBytes(kChunkBytes),
                                                  .chunks_per_message = 1,
                                                  .values = &values}));
    idle_mib.push_back(rig->idle_mib());
  }
  figures.push_back(Judged(MedianOf(kIdleMemoryId, idle_mib, "MiB", Better::kLower), {64, 40}));
  return absl::OkStatus();
}

}  // namespace tidemark::bench
