#include "tests/bench/index_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/status_macros.h"
#include "tests/bench/pg_session.h"
#include "tests/bench/rounds.h"
#include "tests/bench/signal_client.h"
#include "tests/bench/upload_rig.h"

namespace tidemark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kIndexChannels = 6;
constexpr ChunkShape kIndexShape = ChunkShape::OfBytes(16 << 10, kIndexChannels);
constexpr int64_t kIndexSampleNs = 10'000'000;
constexpr int kOwnChunks = 512;
constexpr int kWindowChunks = 16;
constexpr int64_t kChunksPerOutbox = 5'000;

struct IndexAmounts {
  int rounds;
  int lone_chunks;
  int reads;
  int64_t part_of_rows;  // that a run makes
};
constexpr IndexAmounts kFullIndex{7, 400, 60, 1};
constexpr IndexAmounts kQuickIndex{3, 100, 15, 50};

// Rows as an upload leaves them, of other participants of other studies.
constexpr char kOthers[] = R"sql(
insert into chunk
  (participant_id, stream_id, writer_id, number, study_id, device_id, sha256, stream_version, kind,
   boot_id, clock_id, first_counter, sample_count, body_bytes, flags, outlier_stamps, t_min_ns,
   t_max_ns, segment_id, segment_slot, arrived_at)
select o.participant_id, o.stream_id, o.writer_id, n, o.study_id, o.device_id, sha256(int8send(n)),
       1, 1, o.boot_id, 0, n * 2730, 2730, 16500, 0, 0, n * 27300000000, (n + 1) * 27300000000 - 1,
       md5(o.outbox || '-' || n / 16)::uuid, n % 16, now()
  from (select outbox, gen_random_uuid() as participant_id, gen_random_uuid() as stream_id,
               gen_random_uuid() as writer_id, gen_random_uuid() as study_id,
               gen_random_uuid() as device_id, gen_random_uuid() as boot_id
          from generate_series({}, {}) as outbox) as o,
       generate_series(0, {}) as n
)sql";

absl::Status FillWithOthers(const std::string& dsn, int64_t rows) {
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
  constexpr int64_t kOutboxesPerStatement = 100;
  const int64_t outboxes = rows / kChunksPerOutbox;
  for (int64_t first = 0; first < outboxes; first += kOutboxesPerStatement) {
    const int64_t last = std::min(first + kOutboxesPerStatement, outboxes) - 1;
    TM_RETURN_IF_ERROR(session.Run(fmt::format(kOthers, first, last, kChunksPerOutbox - 1)));
  }
  return session.Run("vacuum analyze chunk");
}

// A server with a stream of its own, asked in three ways; each gives the median in milliseconds.
class IndexSide {
 public:
  static absl::StatusOr<std::unique_ptr<IndexSide>> Make(const RigOptions& options,
                                                         const std::string& name,
                                                         const MotionValues& values,
                                                         int64_t others);
  absl::StatusOr<double> LoneMs(int chunks);
  absl::StatusOr<double> WindowMs(int reads);
  absl::StatusOr<double> OverviewMs(int reads);
  ClusterControl& cluster() { return rig_->server().cluster(); }

 private:
  IndexSide(std::unique_ptr<UploadRig> rig, SignalClient client)
      : rig_(std::move(rig)), client_(std::move(client)) {}
  const FleetDevice& device() const { return rig_->fleet().devices.front(); }

  std::unique_ptr<UploadRig> rig_;
  SignalClient client_;
};

absl::StatusOr<std::unique_ptr<IndexSide>> IndexSide::Make(const RigOptions& options,
                                                           const std::string& name,
                                                           const MotionValues& values,
                                                           int64_t others) {
  TM_ASSIGN_OR_RETURN(auto rig, UploadRig::Make(options, {.name = name,
                                                          .streams = 1,
                                                          .shape = kIndexShape,
                                                          .chunks_per_message = 1,
                                                          .values = &values}));
  TM_RETURN_IF_ERROR(FillWithOthers(rig->server().SuperuserDsn(), others));
  TM_ASSIGN_OR_RETURN(SignalClient client,
                      SignalClient::Connect(rig->server().address(), rig->fleet().manager_token));
  std::unique_ptr<IndexSide> side(new IndexSide(std::move(rig), std::move(client)));
  TM_RETURN_IF_ERROR(PlaceBoot(side->device(), side->rig_->maker(0).boot_id()));
  TM_RETURN_IF_ERROR(RunLoad(side->rig_->NextLanes(kOwnChunks), {}).status());
  return side;
}

absl::StatusOr<double> IndexSide::LoneMs(int chunks) {
  std::vector<LoadLane> lanes = rig_->NextLanes(chunks);
  lanes.front().is_watched = true;
  TM_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(lanes, {.window_chunks = 1}));
  return QuantileOf(result.lanes.front().latencies_ms, 0.5);
}

absl::StatusOr<double> MedianMs(int times, absl::FunctionRef<absl::Status(int)> once) {
  std::vector<double> latencies_ms;
  for (int i = 0; i < times; ++i) {
    const auto begin = SteadyClock::now();
    TM_RETURN_IF_ERROR(once(i));
    latencies_ms.push_back(
        std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
  }
  return QuantileOf(std::move(latencies_ms), 0.5);
}

absl::StatusOr<double> IndexSide::WindowMs(int reads) {
  constexpr int64_t kWindowNs = int64_t{kWindowChunks} * kIndexShape.samples * kIndexSampleNs;
  return MedianMs(reads, [&](int i) {
    const int64_t begin_ns = i % (kOwnChunks / kWindowChunks - 1) * kWindowNs;
    return client_.ReadWindow(device(), rig_->maker(0).boot_id(), {begin_ns, begin_ns + kWindowNs})
        .status();
  });
}

absl::StatusOr<double> IndexSide::OverviewMs(int reads) {
  constexpr uint32_t kColumns = 2'000;
  constexpr int64_t kOwnNs = int64_t{kOwnChunks} * kIndexShape.samples * kIndexSampleNs;
  return MedianMs(reads, [&](int) {
    return client_.Overview(device(), {kBenchWallNs, kBenchWallNs + kOwnNs}, kColumns);
  });
}

}  // namespace

std::string IndexMethod() {
  return R"(A lone receipt, a window of 16 chunks by `ReadSamples` and a picture of 512 chunks,
medians of some hundred, from a server whose database holds 10^7 chunk rows of other participants
(made by SQL), to the same from one that holds nothing else; both run side by side and take turns.
The id without a name is the worst of the three. Measured only when named, because filling takes
minutes; `index_1e8` is the same with 10^8 rows.
)";
}

absl::StatusOr<std::vector<Figure>> MeasureIndex(const RigOptions& options, int64_t rows) {
  const IndexAmounts& amounts = options.quick ? kQuickIndex : kFullIndex;
  TM_ASSIGN_OR_RETURN(const MotionValues values, MotionValues::Load(options.data));
  TM_ASSIGN_OR_RETURN(const auto full,
                      IndexSide::Make(options, "index_full", values, rows / amounts.part_of_rows));
  TM_ASSIGN_OR_RETURN(const auto empty, IndexSide::Make(options, "index_empty", values, 0));
  TM_RETURN_IF_ERROR(full->cluster().Checkpoint());

  const std::vector<Cell> cells = {[&] { return full->LoneMs(amounts.lone_chunks); },
                                   [&] { return empty->LoneMs(amounts.lone_chunks); },
                                   [&] { return full->WindowMs(amounts.reads); },
                                   [&] { return empty->WindowMs(amounts.reads); },
                                   [&] { return full->OverviewMs(amounts.reads); },
                                   [&] { return empty->OverviewMs(amounts.reads); }};
  TM_ASSIGN_OR_RETURN(const auto ms,
                      RunRounds(cells, amounts.rounds, [] { return absl::OkStatus(); }));
  const std::string id = rows == kIndexRows ? "ingest.index_1e7_ratio" : "ingest.index_1e8_ratio";
  std::vector<Figure> figures;
  for (size_t i = 0; const char* what : {"lone", "window", "overview"}) {
    figures.push_back(RatioOf(fmt::format("{}_{}", id, what), ms[i], ms[i + 1], Better::kLower, {},
                              fmt::format("{} in an empty database, ms", what)));
    i += 2;
  }
  Figure worst =
      *std::max_element(figures.begin(), figures.end(),
                        [](const Figure& a, const Figure& b) { return a.value < b.value; });
  worst.id = id;
  worst.floor = 1.5;
  worst.goal = 1.1;
  figures.insert(figures.begin(), std::move(worst));
  return figures;
}

}  // namespace tidemark::bench
