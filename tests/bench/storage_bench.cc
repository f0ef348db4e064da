#include "tests/bench/storage_bench.h"

#include <fmt/format.h>

#include <map>

#include "base/status_macros.h"
#include "cli/modality.h"
#include "core/signal/codec.h"
#include "core/signal/tiles.h"
#include "store/stream_catalog.h"

namespace tidemark::bench {
namespace {

struct Totals {
  double samples = 0;
  double raw_bytes = 0;
  double live_bytes = 0;
  double dense_bytes = 0;
  double tile_bytes = 0;
};

class MeasuringSink : public ingest::RecordingSink {
 public:
  explicit MeasuringSink(std::map<std::string, Totals>& totals) : totals_(totals) {}

  absl::StatusOr<int> DeclareStream(const std::string&,
                                    const v1::StreamDeclaration& declaration) override {
    store::StreamInfo info;
    TM_RETURN_IF_ERROR(store::DecodeDeclaration(declaration.SerializeAsString(), info));
    streams_.push_back({cli::ModalityName(declaration.modality()), std::move(info)});
    return static_cast<int>(streams_.size()) - 1;
  }
  absl::Status BeginBoot(const BootId&, const v1::BootStart&) override { return absl::OkStatus(); }
  absl::Status AddClockPair(const v1::ClockPair&) override { return absl::OkStatus(); }
  absl::Status AddProbe(const v1::Probe&) override { return absl::OkStatus(); }

  absl::Status Append(int stream, const ingest::SampleRun& run) override {
    const auto& [modality, info] = streams_[static_cast<size_t>(stream)];
    const auto types = info.channel_types();
    const auto encoded_bytes = [&](signal::Effort effort) {
      return static_cast<double>(signal::EncodeBlock(types, run.stamps, run.values, effort).size());
    };
    const auto buckets =
        signal::MakeBuckets(types, run.stamps, run.values, signal::GapThresholdNs(info.period_ns));
    Totals& totals = totals_[modality];
    totals.samples += static_cast<double>(run.stamps.size());
    totals.raw_bytes += static_cast<double>(run.values.size() +
                                            (run.stamps.is_regular() ? 16 : 8 * run.stamps.size()));
    totals.live_bytes += encoded_bytes(signal::Effort::kLive);
    totals.dense_bytes += encoded_bytes(signal::Effort::kDense);
    totals.tile_bytes += static_cast<double>(signal::EncodeBuckets(types, buckets).size());
    return absl::OkStatus();
  }
  absl::Status AppendEncoded(int, int64_t, int64_t, uint32_t, std::string_view) override {
    return absl::OkStatus();
  }

 private:
  std::map<std::string, Totals>& totals_;
  std::vector<std::pair<std::string, store::StreamInfo>> streams_;
};

Figure PerSample(std::string id, double bytes, const Totals& totals) {
  Figure figure = Counted(std::move(id), bytes / totals.samples, "B/sample", Better::kLower);
  if (totals.samples > 0) figure.limit = Limit{"as sent", totals.raw_bytes / totals.samples};
  return figure;
}

}  // namespace

std::string StorageMethod() {
  return "Bytes per sample, all channels of it together, as the coders of admission and of the "
         "sealer "
         "make them\nof whole recordings, without a database: `_live` is values and stamps as a "
         "chunk is stored at once,\n`_dense` the same coded for keeping, `_tiles` the base tiles "
         "beside them. They stand beside what the\ndevice sent: values, and 8 bytes of stamp per "
         "sample where the stream is stamped. Rows, indexes and\nencryption come on top. Counted, "
         "so without an interval.\n";
}

absl::StatusOr<std::vector<Figure>> MeasureStorage(
    const std::vector<ingest::Recording>& recordings) {
  std::map<std::string, Totals> by_modality;
  for (const ingest::Recording& recording : recordings) {
    MeasuringSink sink(by_modality);
    TM_RETURN_IF_ERROR(recording.play(sink));
  }
  std::vector<Figure> figures;
  for (const auto& [modality, totals] : by_modality) {
    const std::string prefix = fmt::format("storage.{}", modality);
    figures.push_back(PerSample(prefix + "_live", totals.live_bytes, totals));
    figures.push_back(PerSample(prefix + "_dense", totals.dense_bytes, totals));
    figures.push_back(PerSample(prefix + "_tiles", totals.tile_bytes, totals));
  }
  return figures;
}

}  // namespace tidemark::bench
