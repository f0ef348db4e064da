#include "tests/bench/storage_bench.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <map>

#include "base/status_macros.h"
#include "cli/modality.h"
#include "core/signal/codec.h"
#include "core/signal/tiles.h"
#include "store/stream_catalog.h"

namespace tidemark::bench {
namespace {

// The live form of what a sealed row is made of.
constexpr size_t kRowSourceBytes = size_t{80} << 10;
// Speeds are the median over as many rounds.
constexpr size_t kSpeedRounds = 5;

struct Totals {
  double samples = 0;
  double raw_bytes = 0;
  double live_bytes = 0;
  double dense_bytes = 0;
  double tile_bytes = 0;
  // Of the dense form, a value per round.
  std::array<double, kSpeedRounds> encode_s{};
  std::array<double, kSpeedRounds> decode_s{};
};

// Of this thread's processor time: others of the machine do not count.
double SecondsOf(const auto& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  work();
  return now() - begin;
}

// Chunks of one stream and boot, gathered into rows as the sealer does it.
class StreamMeter {
 public:
  StreamMeter(store::StreamInfo info, Totals& totals)
      : info_(std::move(info)), types_(info_.channel_types()), totals_(totals) {}

  absl::Status Add(const ingest::SampleRun& run) {
    const std::string live = signal::EncodeBlock(types_, run.stamps, run.values);
    const auto buckets = signal::MakeBuckets(types_, run.stamps, run.values,
                                             signal::GapThresholdNs(info_.period_ns));
    totals_.samples += static_cast<double>(run.stamps.size());
    totals_.raw_bytes += static_cast<double>(
        run.values.size() + (run.stamps.is_regular() ? 16 : 8 * run.stamps.size()));
    totals_.live_bytes += static_cast<double>(live.size());
    totals_.tile_bytes += static_cast<double>(signal::EncodeBuckets(types_, buckets).size());
    row_.push_back({run.stamps, std::string(run.values)});
    row_source_bytes_ += live.size();
    return row_source_bytes_ < kRowSourceBytes ? absl::OkStatus() : Flush();
  }

  // Ends the row.
  absl::Status Flush() {
    if (row_.empty()) return absl::OkStatus();
    std::vector<signal::BlockView> views;
    size_t samples = 0;
    for (const signal::Block& block : row_) {
      views.push_back({&block.stamps, block.values});
      samples += block.count();
    }
    std::string dense;
    for (size_t round = 0; round < kSpeedRounds; ++round) {
      totals_.encode_s[round] += SecondsOf([&] { dense = signal::EncodeBlocks(types_, views); });
      absl::StatusOr<std::vector<signal::Block>> decoded;
      totals_.decode_s[round] +=
          SecondsOf([&] { decoded = signal::DecodeBlocks(types_, dense, samples); });
      TM_RETURN_IF_ERROR(decoded.status());
      if (!IsRow(*decoded)) return absl::InternalError("a sealed row says something else");
    }
    totals_.dense_bytes += static_cast<double>(dense.size());
    row_.clear();
    row_source_bytes_ = 0;
    return absl::OkStatus();
  }

 private:
  bool IsRow(const std::vector<signal::Block>& decoded) const {
    return std::equal(decoded.begin(), decoded.end(), row_.begin(), row_.end(),
                      [](const signal::Block& a, const signal::Block& b) {
                        return a.stamps == b.stamps && a.values == b.values;
                      });
  }

  store::StreamInfo info_;
  std::vector<signal::SampleType> types_;
  Totals& totals_;
  std::vector<signal::Block> row_;
  size_t row_source_bytes_ = 0;
};

class MeasuringSink : public ingest::RecordingSink {
 public:
  explicit MeasuringSink(std::map<std::string, Totals>& totals) : totals_(totals) {}

  absl::StatusOr<int> DeclareStream(const std::string&,
                                    const v1::StreamDeclaration& declaration) override {
    store::StreamInfo info;
    TM_RETURN_IF_ERROR(store::DecodeDeclaration(declaration.SerializeAsString(), info));
    streams_.emplace_back(std::move(info), totals_[cli::ModalityName(declaration.modality())]);
    return static_cast<int>(streams_.size()) - 1;
  }
  // A sealed row never crosses a boot.
  absl::Status BeginBoot(const BootId&, const v1::BootStart&) override { return Flush(); }
  absl::Status AddClockPair(const v1::ClockPair&) override { return absl::OkStatus(); }
  absl::Status AddProbe(const v1::Probe&) override { return absl::OkStatus(); }

  absl::Status Append(int stream, const ingest::SampleRun& run) override {
    return streams_[static_cast<size_t>(stream)].Add(run);
  }
  absl::Status AppendEncoded(int, int64_t, int64_t, uint32_t, std::string_view) override {
    return absl::OkStatus();
  }

  absl::Status Flush() {
    for (StreamMeter& stream : streams_) TM_RETURN_IF_ERROR(stream.Flush());
    return absl::OkStatus();
  }

 private:
  std::map<std::string, Totals>& totals_;
  std::vector<StreamMeter> streams_;
};

Figure PerSample(std::string id, double bytes, const Totals& totals) {
  Figure figure = Counted(std::move(id), bytes / totals.samples, "B/sample", Better::kLower);
  if (totals.samples > 0) figure.limit = Limit{"as sent", totals.raw_bytes / totals.samples};
  return figure;
}

Figure Speed(std::string id, const std::array<double, kSpeedRounds>& seconds,
             const Totals& totals) {
  std::vector<double> speeds;
  for (const double s : seconds) {
    if (s > 0) speeds.push_back(totals.raw_bytes / s / 1e6);
  }
  return MedianOf(std::move(id), std::move(speeds), "MB/s", Better::kHigher);
}

}  // namespace

std::string StorageMethod() {
  return "Bytes per sample, all channels of it together, as the coders of admission and of the "
         "sealer make them\nof whole recordings, without a database: `_live` is values and stamps "
         "as a chunk is stored at once,\n`_dense` the chunks of a row of 80 KiB (live) coded "
         "together for keeping, `_tiles` the base tiles of\nlive chunks. They stand beside what "
         "the device sent: values, and 8 bytes of stamp per sample where the\nstream is stamped. "
         "Rows, indexes and encryption come on top. Counted, so without an interval.\n"
         "`_dense_encode` and `_dense_decode` are the speed of one thread, in bytes as sent per "
         "second of its\nprocessor time: the median of 5 rounds.\n";
}

absl::StatusOr<std::vector<Figure>> MeasureStorage(
    const std::vector<ingest::Recording>& recordings) {
  std::map<std::string, Totals> by_modality;
  for (const ingest::Recording& recording : recordings) {
    MeasuringSink sink(by_modality);
    TM_RETURN_IF_ERROR(recording.play(sink));
    TM_RETURN_IF_ERROR(sink.Flush());
  }
  std::vector<Figure> figures;
  for (const auto& [modality, totals] : by_modality) {
    const std::string prefix = fmt::format("storage.{}", modality);
    figures.push_back(PerSample(prefix + "_live", totals.live_bytes, totals));
    figures.push_back(PerSample(prefix + "_dense", totals.dense_bytes, totals));
    figures.push_back(PerSample(prefix + "_tiles", totals.tile_bytes, totals));
    figures.push_back(Speed(prefix + "_dense_encode", totals.encode_s, totals));
    figures.push_back(Speed(prefix + "_dense_decode", totals.decode_s, totals));
  }
  return figures;
}

}  // namespace tidemark::bench
