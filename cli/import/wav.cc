// Joins WAV files to one continuous recording.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "cli/import/import.h"
#include "cli/import/recorder.h"
#include "cli/import/wav_file.h"
#include "core/signal/int128.h"

namespace tidemark::cli {
namespace {

// A file and the frame of the recording at which it begins.
struct Placed {
  WavFile wav;
  uint64_t begin = 0;
  uint64_t end() const { return begin + wav.frames; }
};

std::vector<Placed> Place(std::vector<WavFile> files, int64_t silence_s) {
  std::vector<Placed> placed;
  for (WavFile& wav : files) {
    const uint64_t rate = wav.rate_hz;
    uint64_t second = 0;
    if (!placed.empty()) {
      second = (placed.back().end() + rate - 1) / rate + static_cast<uint64_t>(silence_s);
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

// UTC nanoseconds of a frame of the joined recording. Wide, as it may lie beyond what a stamp can
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

  // About a second per run.
  absl::Status Play(ingest::RecordingSink& sink, int stream) const {
    const uint64_t frames = clips_.back().end();
    const uint64_t step = std::min<uint64_t>(clips_[0].wav.rate_hz, kRunSamplesMax * 3 / 2);
    RunBuilder run(sink, stream, channels_);
    for (uint64_t begin = 0; begin < frames; begin += step) {
      const uint64_t end = std::min(begin + step, frames);
      TM_ASSIGN_OR_RETURN(const std::string interleaved, Frames(begin, end));
      for (size_t i = 0; i < interleaved.size() / 2; ++i) {
        run.AddValue(i % channels_, LoadLe<int16_t>(interleaved.data() + 2 * i));
      }
      TM_RETURN_IF_ERROR(run.FlushRegular(StampNs(begin), StampNs(end - 1), end - begin));
    }
    return absl::OkStatus();
  }

 private:
  // Fits, as CheckWavTimes has seen.
  int64_t StampNs(uint64_t frame) const {
    return static_cast<int64_t>(WavStampNs(start_ns_, frame, clips_[0].wav.rate_hz));
  }

  // Frames [begin, end) of the joined recording: zeros, and the clips that lie in it.
  absl::StatusOr<std::string> Frames(uint64_t begin, uint64_t end) const {
    const uint64_t frame_bytes = 2 * uint64_t{channels_};
    std::string frames((end - begin) * frame_bytes, '\0');
    for (const Placed& clip : clips_) {
      const uint64_t from = std::max(begin, clip.begin);
      const uint64_t to = std::min(end, clip.end());
      if (from >= to) continue;
      TM_ASSIGN_OR_RETURN(const std::string part,
                          ReadWavFrames(clip.wav, from - clip.begin, to - clip.begin));
      frames.replace((from - begin) * frame_bytes, part.size(), part);
    }
    return frames;
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

}  // namespace

absl::StatusOr<Imported> ImportWav(const std::vector<std::string>& files,
                                   const WavOptions& options) {
  constexpr int64_t kSilenceMaxS = 3600;
  if (files.empty()) return absl::InvalidArgumentError("no WAV file was named");
  if (options.silence_s < 0 || options.silence_s > kSilenceMaxS) {
    return absl::InvalidArgumentError("the silence between files must be 0 to 3,600 seconds");
  }
  TM_ASSIGN_OR_RETURN(std::vector<WavFile> opened, OpenAlike(files));
  TM_ASSIGN_OR_RETURN(const BootId boot, BootOfFiles("wav/" + options.stream_name, files));
  const auto description = fmt::format("{} WAV file(s), {} Hz", opened.size(), opened[0].rate_hz);
  std::vector<Placed> clips = Place(std::move(opened), options.silence_s);
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
  return imported;
}

}  // namespace tidemark::cli
