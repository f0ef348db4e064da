// What all sources of recordings do the same way: declare, begin a boot, and hand over samples run
// by run.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/endian.h"
#include "base/ids.h"
#include "core/signal/stamps.h"
#include "ingest/client/recording.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::cli {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;

// Runs of imports stay below the limits of a chunk (65,536 samples, 1 MiB).
inline constexpr size_t kRunSamplesMax = 32'768;
inline constexpr size_t kRunBytesMax = 512 << 10;
// Well below the hour that a chunk may span.
inline constexpr int64_t kRunSpanMaxNs = 600 * kNsPerSecond;

// The boot of an import: named by what kind of import it is and by names and content of the files,
// so that importing again names the same boot. NOT_FOUND if a file cannot be read.
absl::StatusOr<BootId> BootOfFiles(std::string_view kind, const std::vector<std::string>& files);

// Begins `boot` with device clock = wall clock: all that the files of an import know.
absl::Status BeginWallClockBoot(ingest::RecordingSink& sink, const BootId& boot, int64_t at_ns);

v1::Channel MakeChannel(std::string_view name, std::string_view unit, v1::ChannelType type,
                        double scale = 1);
// A motion stream of three channels x, y, z.
v1::StreamDeclaration MotionDeclaration(v1::Modality modality, std::string_view unit,
                                        v1::ChannelType type, double scale = 1);

// Gathers the samples of one stream, channel by channel, and gives them to the sink as runs whose
// counters continue. Add one stamp (exact runs) and one value per channel for each sample.
class RunBuilder {
 public:
  RunBuilder(ingest::RecordingSink& sink, int stream, size_t channels)
      : sink_(&sink), stream_(stream), planes_(channels) {}

  void AddStamp(int64_t stamp_ns) { stamps_ns_.push_back(stamp_ns); }
  template <class T>
  void AddValue(size_t channel, T value) {
    AppendLe(planes_[channel], value);
  }

  // Whether a sample at `stamp_ns` should begin a new run: the run is full or would span too long.
  bool IsFull(int64_t stamp_ns) const;

  // Hands over what was gathered, if anything: with the stamps added, or regular between two ends.
  absl::Status FlushExact();
  absl::Status FlushRegular(int64_t first_ns, int64_t last_ns, size_t count);
  // Hands over what was gathered as a regular run between the first and the last stamp added.
  absl::Status FlushEvenly();

  // Samples that the device lost: the counter jumps. Flush first.
  void SkipLost(uint64_t samples) { counter_ += samples; }
  // Of the next run.
  uint64_t counter() const { return counter_; }

 private:
  absl::Status Flush(signal::Stamps stamps);

  ingest::RecordingSink* sink_;
  int stream_;
  uint64_t counter_ = 0;
  std::vector<int64_t> stamps_ns_;
  std::vector<std::string> planes_;
};

// What a study may call a participant or device: the last part of the path, with '_' for characters
// that a code may not have, at most 64 bytes.
std::string CodeOfPath(const std::string& path);

// The note on labels that stand in the files, one at least: "22 labels (one per clip, its folder)
// were found and not taken". `where` may be empty.
std::string LabelNote(uint64_t labels, std::string_view where);

}  // namespace tidemark::cli
