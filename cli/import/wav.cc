// Lines up WAV files as the clips of one recording. What was not recorded between two clips is a
// gap: the device's count of samples and the stamps jump over it.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "cli/import/import.h"
#include "cli/import/recorder.h"
#include "cli/import/wav_file.h"
#include "core/signal/int128.h"

namespace tidemark::cli {
namespace {

// A file and the frame of the recording at which it begins, the frames of the gaps counted.
struct Placed {
  WavFile wav;
  uint64_t begin = 0;
  uint64_t end() const { return begin + wav.frames; }
};

std::vector<Placed> Place(std::vector<WavFile> files, int64_t gap_s) {
  std::vector<Placed> placed;
  for (WavFile& wav : files) {
    const uint64_t rate = wav.rate_hz;
    uint64_t second = 0;
    if (!placed.empty()) {
      second = (placed.back().end() + rate - 1) / rate + static_cast<uint64_t>(gap_s);
    }
    placed.push_back({.wav = std::move(wav), .begin = second * rate});
  }
  return placed;
}

v1::StreamDeclaration WavDeclaration(const WavFile& wav) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_AUDIO);
  constexpr double kFullScale = 1.0 / 32768;
  for (uint32_t i = 0; i < wav.channels; ++i) {
    const std::string name = wav.channels == 1 ? "mono" : (i == 0 ? "left" : "right");
    *declaration.add_channels() = MakeChannel(name, "1", v1::CHANNEL_TYPE_INT16, kFullScale);
  }
  declaration.mutable_nominal_rate()->set_numerator(wav.rate_hz);
  declaration.mutable_nominal_rate()->set_denominator(1);
  return declaration;
}

// UTC nanoseconds of a frame of the recording. Wide, as it may lie beyond what a stamp can
// say.
signal::Int128 WavStampNs(int64_t start_ns, uint64_t frame, uint64_t rate_hz) {
  return start_ns + signal::FloorDivide(static_cast<signal::Int128>(frame) * kNsPerSecond, rate_hz);
}

// Every frame's stamp fits 64 bits, which end in the year 2262.
absl::Status CheckWavTimes(const std::vector<Placed>& clips, int64_t start_ns) {
  for (const Placed& clip : clips) {
    const signal::Int128 last = WavStampNs(start_ns, clip.end() - 1, clip.wav.rate_hz);
    if (last <= std::numeric_limits<int64_t>::max()) continue;
    return absl::InvalidArgumentError(
        fmt::format("{}: would end after the last instant that a stamp can name, in the year 2262: "
                    "--start-ns {} is too late for it",
                    clip.wav.path, start_ns));
  }
  return absl::OkStatus();
}

class WavPlayer {
 public:
  WavPlayer(const std::vector<Placed>& clips, int64_t start_ns)
      : clips_(clips), start_ns_(start_ns), channels_(clips[0].wav.channels) {}

  absl::Status Play(ingest::RecordingSink& sink, int stream) const {
    RunBuilder run(sink, stream, channels_);
    for (const Placed& clip : clips_) {
      run.SkipLost(clip.begin - run.counter());
      TM_RETURN_IF_ERROR(PlayClip(clip, run));
    }
    return absl::OkStatus();
  }

 private:
  // About a second per run. No run holds more than the frames of one file.
  absl::Status PlayClip(const Placed& clip, RunBuilder& run) const {
    const uint64_t step = std::min<uint64_t>(clip.wav.rate_hz, kRunSamplesMax * 3 / 2);
    for (uint64_t begin = 0; begin < clip.wav.frames; begin += step) {
      const uint64_t end = std::min(begin + step, clip.wav.frames);
      TM_ASSIGN_OR_RETURN(const std::string interleaved, ReadWavFrames(clip.wav, begin, end));
      for (size_t i = 0; i < interleaved.size() / 2; ++i) {
        run.AddValue(i % channels_, LoadLe<int16_t>(interleaved.data() + 2 * i));
      }
      TM_RETURN_IF_ERROR(run.FlushRegular(StampNs(clip.begin + begin),
                                          StampNs(clip.begin + end - 1), end - begin));
    }
    return absl::OkStatus();
  }

  // Fits, as CheckWavTimes has seen.
  int64_t StampNs(uint64_t frame) const {
    return static_cast<int64_t>(WavStampNs(start_ns_, frame, clips_[0].wav.rate_hz));
  }

  const std::vector<Placed>& clips_;
  int64_t start_ns_;
  size_t channels_;
};

absl::StatusOr<std::vector<WavFile>> OpenAlike(const std::vector<std::string>& files) {
  std::vector<WavFile> opened;
  for (const std::string& path : files) {
    TM_ASSIGN_OR_RETURN(WavFile wav, OpenWav(path));
    if (!opened.empty() &&
        (wav.rate_hz != opened[0].rate_hz || wav.channels != opened[0].channels)) {
      return absl::InvalidArgumentError(
          fmt::format("{}: has another rate or number of channels than {}", path, opened[0].path));
    }
    opened.push_back(std::move(wav));
  }
  return opened;
}

// Where the label of a clip stands: clips that were sorted into folders are named by them.
std::string_view ClipLabelPlace(const std::vector<std::string>& files) {
  std::set<std::filesystem::path> folders;
  for (const std::string& path : files) folders.insert(std::filesystem::path(path).parent_path());
  return folders.size() > 1 ? "one per clip, its folder" : "one per clip, in its name";
}

}  // namespace

absl::StatusOr<Imported> ImportWav(const std::vector<std::string>& files,
                                   const WavOptions& options) {
  constexpr int64_t kGapMaxS = 3600;
  if (files.empty()) return absl::InvalidArgumentError("no WAV file was named");
  if (options.gap_s < 0 || options.gap_s > kGapMaxS) {
    return absl::InvalidArgumentError("the gap between files must be 0 to 3,600 seconds");
  }
  TM_ASSIGN_OR_RETURN(std::vector<WavFile> opened, OpenAlike(files));
  TM_ASSIGN_OR_RETURN(const BootId boot, BootOfFiles("wav/" + options.stream_name, files));
  const auto description = fmt::format("{} WAV file(s), {} Hz", opened.size(), opened[0].rate_hz);
  std::vector<Placed> clips = Place(std::move(opened), options.gap_s);
  TM_RETURN_IF_ERROR(CheckWavTimes(clips, options.start_ns));
  auto play = [clips = std::move(clips), options,
               boot](ingest::RecordingSink& sink) -> absl::Status {
    TM_RETURN_IF_ERROR(BeginWallClockBoot(sink, boot, options.start_ns));
    TM_ASSIGN_OR_RETURN(const int stream,
                        sink.DeclareStream(options.stream_name, WavDeclaration(clips[0].wav)));
    return WavPlayer(clips, options.start_ns).Play(sink, stream);
  };
  Imported imported;
  imported.recordings.push_back({.participant_code = options.participant_code,
                                 .device_name = options.device_name,
                                 .description = description,
                                 .play = std::move(play)});
  imported.notes.push_back(LabelNote(files.size(), ClipLabelPlace(files)));
  return imported;
}

}  // namespace tidemark::cli
