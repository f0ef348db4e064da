#include "tests/bench/read_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "absl/time/clock.h"
#include "base/endian.h"
#include "base/status_macros.h"
#include "tests/bench/limits_database.h"
#include "tests/bench/pg_session.h"
#include "tests/bench/rounds.h"
#include "tests/bench/signal_client.h"
#include "tests/bench/upload_rig.h"

namespace tidemark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kWindowId[] = "read.window_vs_libpq";
constexpr char kP99Id[] = "read.overview_24h_p99_ms";
constexpr char kScanId[] = "read.overview_vs_scan";
constexpr char kSealedId[] = "read.sealed_share";

constexpr int64_t kSampleNs = 10'000'000;
constexpr size_t kReadChannels = 6;
constexpr ChunkShape kReadShape = ChunkShape::OfBytes(16 << 10, kReadChannels);
// Of 16 KiB: a day and a little, and a whole number of the sealer's cells (docs/adr/0026).
constexpr int kChunksPerDay = 6'400;
constexpr int64_t kDayNs = 86'400'000'000'000;
constexpr uint32_t kWidth = 2'000;
// The longest tail: one chunk fewer than makes the sealer take what waits (docs/adr/0026).
constexpr int kTailChunks = 511;
// Of the backlog: it crosses the sealer's cells.
constexpr size_t kStretchChunks = 48;
constexpr double kSealedEnough = 0.95;
constexpr std::array<int64_t, 5> kZoomsNs = {kDayNs, kDayNs / 4, kDayNs / 24, kDayNs / 144,
                                             kDayNs / 1'440};

struct ReadAmounts {
  int rounds;
  int pictures_per_zoom;  // and round
  int backlog_days;
  int window_chunks;
  absl::Duration sealing;  // at most
};
constexpr ReadAmounts kFullReads{7, 40, 8, 3'200, absl::Minutes(3)};
constexpr ReadAmounts kQuickReads{3, 10, 1, 800, absl::Seconds(20)};

double MsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

constexpr int64_t ChunkNs() { return int64_t{kReadShape.samples} * kSampleNs; }

// Minimum and maximum of each column of a picture, from plain values that follow each other.
class ScannedPicture {
 public:
  explicit ScannedPicture(uint64_t samples) : samples_(samples) {
    low_.assign(kReadChannels * kWidth, std::numeric_limits<int16_t>::max());
    high_.assign(kReadChannels * kWidth, std::numeric_limits<int16_t>::min());
  }

  // A chunk's values, planar.
  void Add(std::string_view values) {
    const size_t count = values.size() / (kReadChannels * sizeof(int16_t));
    for (size_t begin = 0; begin < count;) {
      const uint64_t column = std::min<uint64_t>((at_ + begin) * kWidth / samples_, kWidth - 1);
      const uint64_t column_end = (column + 1) * samples_ / kWidth;
      const size_t end = std::clamp<uint64_t>(column_end - at_, begin + 1, count);
      for (size_t channel = 0; channel < kReadChannels; ++channel) {
        AddRun(values.substr((channel * count + begin) * sizeof(int16_t),
                             (end - begin) * sizeof(int16_t)),
               channel * kWidth + column);
      }
      begin = end;
    }
    at_ += count;
  }
  bool is_empty() const { return low_.front() > high_.front(); }

 private:
  void AddRun(std::string_view run, size_t cell) {
    std::vector<int16_t>& aligned = aligned_;
    aligned.resize(run.size() / sizeof(int16_t));
    std::memcpy(aligned.data(), run.data(), run.size());
    int16_t low = low_[cell];
    int16_t high = high_[cell];
    for (const int16_t value : aligned) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
    low_[cell] = low;
    high_[cell] = high;
  }

  const uint64_t samples_;
  uint64_t at_ = 0;
  std::vector<int16_t> low_;
  std::vector<int16_t> high_;
  std::vector<int16_t> aligned_;
};

// A stream as it lies, and where in it pictures are taken.
struct Recorded {
  std::string state;  // "sealed"
  size_t device = 0;
  BootId boot;
  TimeSpanNs study_time;
  std::vector<double> p99_ms = {};        // one per round
  std::vector<double> scan_to_ours = {};  // one per round, of the whole 24 h
};

class ReadRig {
 public:
  static absl::StatusOr<std::vector<Figure>> Measure(const RigOptions& options);

 private:
  ReadRig(const RigOptions& options, const MotionValues& values, LimitsDatabase limits,
          std::unique_ptr<UploadRig> rig)
      : amounts_(options.quick ? kQuickReads : kFullReads),
        must_be_sealed_(!options.quick),
        values_(values),
        limits_(std::move(limits)),
        rig_(std::move(rig)) {}

  absl::StatusOr<Recorded> RecordDay();
  absl::StatusOr<Recorded> RecordBacklog();
  void Shuffle(std::vector<PreparedMessage>& messages);
  absl::Status AddTail(Recorded& day);
  // Waits until what can be sealed is.
  absl::Status WaitUntilSealed();

  absl::StatusOr<Figure> MeasureWindows(const Recorded& day);
  absl::Status MeasurePictures(Recorded& recorded);
  absl::StatusOr<double> PictureMs(const SignalClient& client, const Recorded& recorded,
                                   const TimeSpanNs& study_time);
  absl::Status StorePlainDay();
  absl::StatusOr<double> ScanMs();
  Figure Shown(Figure figure) const;

  const ReadAmounts& amounts_;
  const bool must_be_sealed_;
  const MotionValues& values_;
  LimitsDatabase limits_;
  std::unique_ptr<UploadRig> rig_;
  std::minstd_rand random_{7};
  double sealed_share_ = 1;  // the least that any state had
};

absl::StatusOr<Recorded> ReadRig::RecordDay() {
  constexpr size_t kDevice = 0;
  const FleetDevice& device = rig_->fleet().devices[kDevice];
  TM_RETURN_IF_ERROR(PlaceBoot(device, rig_->maker(kDevice).boot_id()));
  std::vector<LoadLane> lanes = {rig_->NextLane(kDevice, kChunksPerDay)};
  TM_RETURN_IF_ERROR(RunLoad(lanes, {}).status());
  return Recorded{.state = "sealed",
                  .device = kDevice,
                  .boot = rig_->maker(kDevice).boot_id(),
                  .study_time = {kBenchWallNs, kBenchWallNs + kDayNs}};
}

absl::StatusOr<Recorded> ReadRig::RecordBacklog() {
  constexpr size_t kDevice = 1;
  const FleetDevice& device = rig_->fleet().devices[kDevice];
  TM_RETURN_IF_ERROR(PlaceBoot(device, rig_->maker(kDevice).boot_id()));
  std::vector<LoadLane> lanes = {rig_->NextLane(kDevice, kChunksPerDay * amounts_.backlog_days)};
  Shuffle(lanes.front().messages);
  TM_RETURN_IF_ERROR(RunLoad(lanes, {}).status());
  return Recorded{.state = "backlog",
                  .device = kDevice,
                  .boot = rig_->maker(kDevice).boot_id(),
                  .study_time = {kBenchWallNs, kBenchWallNs + amounts_.backlog_days * kDayNs}};
}

// Stretches in any order, and each of them in any order, too: an outbox may have 2,048 runs of
// numbers at one time, and stretches cross the cells of the sealer.
void ReadRig::Shuffle(std::vector<PreparedMessage>& messages) {
  std::vector<size_t> stretches((messages.size() + kStretchChunks - 1) / kStretchChunks);
  std::iota(stretches.begin(), stretches.end(), size_t{0});
  std::shuffle(stretches.begin(), stretches.end(), random_);
  std::vector<PreparedMessage> shuffled;
  for (const size_t stretch : stretches) {
    const size_t begin = shuffled.size();
    const size_t end = std::min((stretch + 1) * kStretchChunks, messages.size());
    for (size_t i = stretch * kStretchChunks; i < end; ++i)
      shuffled.push_back(std::move(messages[i]));
    std::shuffle(shuffled.begin() + static_cast<std::ptrdiff_t>(begin), shuffled.end(), random_);
  }
  messages = std::move(shuffled);
}

// Then the newest 24 h end with the tail.
absl::Status ReadRig::AddTail(Recorded& day) {
  std::vector<LoadLane> lanes = {rig_->NextLane(day.device, kTailChunks)};
  TM_RETURN_IF_ERROR(RunLoad(lanes, {}).status());
  const int64_t end_ns =
      kBenchWallNs + static_cast<int64_t>(rig_->maker(day.device).next_number()) * ChunkNs();
  day.study_time = {end_ns - kDayNs, end_ns};
  return absl::OkStatus();
}

absl::Status ReadRig::WaitUntilSealed() {
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(rig_->server().SuperuserDsn()));
  constexpr absl::Duration kPoll = absl::Milliseconds(500);
  double share = 0;
  for (const absl::Time until = absl::Now() + amounts_.sealing; absl::Now() < until;) {
    TM_ASSIGN_OR_RETURN(
        const int64_t per_mille,
        session.Number("select coalesce(1000 * sum(stored_bytes) filter (where sealed) / "
                       "nullif(sum(stored_bytes), 0), 0)::int8 from segment"));
    share = static_cast<double>(per_mille) / 1'000;
    if (share >= 0.999) break;
    absl::SleepFor(kPoll);
  }
  sealed_share_ = std::min(sealed_share_, share);
  TM_RETURN_IF_ERROR(session.Run("vacuum analyze"));
  return rig_->server().cluster().Checkpoint();
}

absl::StatusOr<Figure> ReadRig::MeasureWindows(const Recorded& day) {
  const FleetDevice& device = rig_->fleet().devices[day.device];
  TM_ASSIGN_OR_RETURN(const SignalClient client,
                      SignalClient::Connect(rig_->server().address(), rig_->fleet().manager_token));
  // A chunk's stamps and values as a client gets them.
  PlainPart part;
  for (uint32_t i = 0; i < kReadShape.samples; ++i) AppendLe(part.stamps, i * kSampleNs);
  for (size_t channel = 0; channel < kReadChannels; ++channel) {
    values_.Append(part.values, channel, 0, kReadShape.samples);
  }
  TM_RETURN_IF_ERROR(StorePlain(limits_.dsn(), std::span(&part, 1), amounts_.window_chunks));
  const double bytes = static_cast<double>(part.stamps.size() + part.values.size()) *
                       static_cast<double>(amounts_.window_chunks);
  const std::vector<Cell> cells = {
      [&]() -> absl::StatusOr<double> {
        const auto begin = SteadyClock::now();
        TM_ASSIGN_OR_RETURN(
            const uint64_t read,
            client.ReadWindow(device, day.boot, {0, amounts_.window_chunks * ChunkNs()}));
        if (static_cast<double>(read) != bytes) return absl::InternalError("a window has a hole");
        return bytes * 1e3 / MsSince(begin);
      },
      [&]() -> absl::StatusOr<double> {
        uint64_t sum = 0;
        TM_ASSIGN_OR_RETURN(const double seconds, ReadPlainSeconds(limits_.dsn(), [&](auto values) {
                              sum += values.size();
                            }));
        if (sum == 0) return absl::InternalError("nothing was read: this is no measurement");
        return bytes / seconds;
      }};
  TM_ASSIGN_OR_RETURN(const auto rates,
                      RunRounds(cells, amounts_.rounds, [] { return absl::OkStatus(); }));
  return Shown(RatioOf(kWindowId, rates[0], rates[1], Better::kHigher, {0.35, 0.6},
                       "libpq, binary, single rows, MB/s", 1e6));
}

absl::StatusOr<double> ReadRig::PictureMs(const SignalClient& client, const Recorded& recorded,
                                          const TimeSpanNs& study_time) {
  const auto begin = SteadyClock::now();
  TM_RETURN_IF_ERROR(client.Overview(rig_->fleet().devices[recorded.device], study_time, kWidth));
  return MsSince(begin);
}

absl::Status ReadRig::StorePlainDay() {
  std::vector<PlainPart> parts(64);
  for (size_t i = 0; i < parts.size(); ++i) {
    for (size_t channel = 0; channel < kReadChannels; ++channel) {
      values_.Append(parts[i].values, channel, i * kReadShape.samples, kReadShape.samples);
    }
  }
  return StorePlain(limits_.dsn(), parts, kChunksPerDay);
}

absl::StatusOr<double> ReadRig::ScanMs() {
  ScannedPicture picture(uint64_t{kReadShape.samples} * kChunksPerDay);
  TM_ASSIGN_OR_RETURN(const double seconds,
                      ReadPlainSeconds(limits_.dsn(), [&](auto values) { picture.Add(values); }));
  if (picture.is_empty()) return absl::InternalError("nothing was scanned");
  return seconds * 1e3;
}

// Of every zoom, at places drawn anew.
absl::Status ReadRig::MeasurePictures(Recorded& recorded) {
  TM_ASSIGN_OR_RETURN(const SignalClient client,
                      SignalClient::Connect(rig_->server().address(), rig_->fleet().manager_token));
  for (int round = -1; round < amounts_.rounds; ++round) {
    std::vector<double> latencies_ms;
    std::vector<double> whole_ms;
    for (const int64_t zoom_ns : kZoomsNs) {
      std::uniform_int_distribution<int64_t> begins(recorded.study_time.begin_ns,
                                                    recorded.study_time.end_ns - zoom_ns);
      for (int i = 0; i < amounts_.pictures_per_zoom; ++i) {
        const int64_t begin_ns = begins(random_);
        TM_ASSIGN_OR_RETURN(const double ms,
                            PictureMs(client, recorded, {begin_ns, begin_ns + zoom_ns}));
        latencies_ms.push_back(ms);
        if (zoom_ns == kDayNs) whole_ms.push_back(ms);
      }
    }
    TM_ASSIGN_OR_RETURN(const double scan_ms, ScanMs());
    if (round < 0) continue;
    recorded.p99_ms.push_back(QuantileOf(latencies_ms, 0.99));
    recorded.scan_to_ours.push_back(scan_ms / QuantileOf(whole_ms, 0.5));
  }
  return absl::OkStatus();
}

// Nothing is shown of data that should be sealed and is not.
Figure ReadRig::Shown(Figure figure) const {
  if (!must_be_sealed_ || sealed_share_ >= kSealedEnough) return figure;
  figure.value.reset();
  figure.interval.reset();
  return figure;
}

absl::StatusOr<std::vector<Figure>> ReadRig::Measure(const RigOptions& options) {
  TM_ASSIGN_OR_RETURN(const MotionValues values, MotionValues::Load(options.data));
  TM_ASSIGN_OR_RETURN(LimitsDatabase limits, LimitsDatabase::Make(options));
  TM_ASSIGN_OR_RETURN(auto uploads,
                      UploadRig::Make(options, {.name = "read",
                                                .streams = 2,
                                                .shape = kReadShape,
                                                .chunks_per_message = 1,
                                                .values = &values,
                                                .sealer = BenchServer::Sealer::kWorking}));
  ReadRig rig(options, values, std::move(limits), std::move(uploads));
  TM_ASSIGN_OR_RETURN(Recorded day, rig.RecordDay());
  TM_ASSIGN_OR_RETURN(Recorded backlog, rig.RecordBacklog());
  TM_RETURN_IF_ERROR(rig.WaitUntilSealed());
  std::vector<Figure> figures;
  if (IsAskedFor(options.only, {kWindowId})) {
    TM_ASSIGN_OR_RETURN(Figure window, rig.MeasureWindows(day));
    figures.push_back(std::move(window));
  }
  if (IsAskedFor(options.only, {kP99Id, kScanId})) {
    TM_RETURN_IF_ERROR(rig.StorePlainDay());
    std::vector<Recorded> states = {day, backlog};
    for (Recorded& state : states) TM_RETURN_IF_ERROR(rig.MeasurePictures(state));
    TM_RETURN_IF_ERROR(rig.rig_->server().Restart(BenchServer::Sealer::kIdle));
    Recorded tail = day;
    tail.state = "tail";
    TM_RETURN_IF_ERROR(rig.AddTail(tail));
    TM_RETURN_IF_ERROR(rig.MeasurePictures(tail));
    states.push_back(std::move(tail));

    std::vector<Figure> p99, scan;
    for (const Recorded& state : states) {
      p99.push_back(MedianOf(fmt::format("read.overview_{}_p99_ms", state.state), state.p99_ms,
                             "ms", Better::kLower));
      scan.push_back(MedianOf(fmt::format("read.overview_{}_vs_scan", state.state),
                              state.scan_to_ours, "ratio", Better::kHigher));
    }
    const auto by_value = [](const Figure& a, const Figure& b) { return a.value < b.value; };
    Figure worst_p99 = *std::max_element(p99.begin(), p99.end(), by_value);
    Figure worst_scan = *std::min_element(scan.begin(), scan.end(), by_value);
    worst_p99.limit = Limit{"worst state: " + worst_p99.id + ", ms", *worst_p99.value};
    worst_p99.id = kP99Id;
    worst_p99.floor = 15;
    worst_p99.goal = 5;
    worst_scan.limit = Limit{"worst state: " + worst_scan.id, *worst_scan.value};
    worst_scan.id = kScanId;
    worst_scan.floor = 20;
    worst_scan.goal = 100;
    figures.push_back(rig.Shown(std::move(worst_p99)));
    figures.push_back(rig.Shown(std::move(worst_scan)));
    figures.insert(figures.end(), p99.begin(), p99.end());
    figures.insert(figures.end(), scan.begin(), scan.end());
  }
  figures.push_back(Counted(kSealedId, rig.sealed_share_, "ratio", Better::kHigher));
  return figures;
}

}  // namespace

std::string ReadMethod() {
  return fmt::format(
      R"(A stream of 6 channels of int16 at 100 Hz, uploaded in chunks of 16 KiB and sealed.
`window` reads {} chunks of it by `ReadSamples` and counts the bytes of stamps and values that
came, beside libpq reading rows that hold the same, binary, in single-row mode, over the socket of
the server. Pictures (`GetOverview`) are {} columns wide, of ranges of 24 h, 6 h, 1 h, 10 min and
1 min at places drawn anew; a p99 is of {} pictures. Their states: `sealed` as said; `backlog` {}
days that arrived in stretches of {} chunks in a random order, each of them shuffled; `tail` with
{} chunks that are not sealed yet. The two ids without a state are the worst of these. `vs_scan`
is the time to read the plain values of 24 h by libpq and find each column's extremes, to the
median picture of 24 h.
)",
      kFullReads.window_chunks, kWidth, kFullReads.pictures_per_zoom * kZoomsNs.size(),
      kFullReads.backlog_days, kStretchChunks, kTailChunks);
}

absl::StatusOr<std::vector<Figure>> MeasureRead(const RigOptions& options) {
  return ReadRig::Measure(options);
}

}  // namespace tidemark::bench
