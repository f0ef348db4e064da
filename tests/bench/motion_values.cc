#include "tests/bench/motion_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "base/endian.h"
#include "base/status_macros.h"
#include "cli/import/import.h"

namespace tidemark::bench {
namespace {

constexpr size_t kMadeSamples = size_t{1} << 18;
constexpr char kWatch[] = "watch";

using FloatAxes = std::array<std::vector<float>, kMotionChannels>;

// Keeps the streams of three float channels, each as a whole.
class FloatMotion : public ingest::RecordingSink {
 public:
  absl::StatusOr<int> DeclareStream(const std::string& name,
                                    const v1::StreamDeclaration& declaration) override {
    const bool fits =
        declaration.channels_size() == static_cast<int>(kMotionChannels) &&
        std::all_of(declaration.channels().begin(), declaration.channels().end(),
                    [](const auto& c) { return c.type() == v1::CHANNEL_TYPE_FLOAT32; });
    streams_.push_back(fits ? &motion_[name] : nullptr);
    return static_cast<int>(streams_.size()) - 1;
  }
  absl::Status BeginBoot(const BootId&, const v1::BootStart&) override { return absl::OkStatus(); }
  absl::Status AddClockPair(const v1::ClockPair&) override { return absl::OkStatus(); }
  absl::Status AddProbe(const v1::Probe&) override { return absl::OkStatus(); }
  absl::Status Append(int stream, const ingest::SampleRun& run) override {
    FloatAxes* const axes = streams_[static_cast<size_t>(stream)];
    if (axes == nullptr) return absl::OkStatus();
    const size_t count = run.stamps.size();
    for (size_t channel = 0; channel < kMotionChannels; ++channel) {
      std::vector<float>& axis = (*axes)[channel];
      const size_t had = axis.size();
      axis.resize(had + count);
      std::memcpy(axis.data() + had, run.values.data() + channel * count * sizeof(float),
                  count * sizeof(float));
    }
    return absl::OkStatus();
  }
  absl::Status AppendEncoded(int, int64_t, int64_t, uint32_t, std::string_view) override {
    return absl::OkStatus();
  }

  // By the name of the stream; streams of the same name are one.
  const std::map<std::string, FloatAxes>& motion() const { return motion_; }

  // The handles of one recording say nothing in the next.
  void EndRecording() { streams_.clear(); }

 private:
  std::map<std::string, FloatAxes> motion_;
  std::vector<FloatAxes*> streams_;
};

// The step of the int16 that a sensor's floats were made from: its smallest value, if all others
// are multiples of that.
std::optional<float> ScaleOf(const FloatAxes& axes) {
  constexpr double kRoundingMax = 0.05;
  float smallest = std::numeric_limits<float>::infinity();
  for (const auto& axis : axes) {
    for (const float value : axis) {
      if (value != 0) smallest = std::min(smallest, std::abs(value));
    }
  }
  for (const auto& axis : axes) {
    for (const float value : axis) {
      const double steps = value / double{smallest};
      const bool is_step = std::abs(steps - std::round(steps)) <= kRoundingMax;
      if (!is_step || std::abs(steps) > std::numeric_limits<int16_t>::max()) return std::nullopt;
    }
  }
  return smallest;
}

}  // namespace

MotionValues::MotionValues(Axes axes, std::string_view source)
    : axes_(std::move(axes)), what_(fmt::format("{}, {} samples", source, axes_[0].size())) {}

absl::StatusOr<MotionValues> MotionValues::Load(const std::string& data) {
  if (data.empty()) return Walk();
  TM_ASSIGN_OR_RETURN(const cli::Imported imported, cli::DiscoverSharedData(data));
  FloatMotion sink;
  for (const ingest::Recording& recording : imported.recordings) {
    if (recording.device_name != kWatch) continue;
    TM_RETURN_IF_ERROR(recording.play(sink));
    sink.EndRecording();
  }
  Axes axes;
  for (const auto& [name, floats] : sink.motion()) {
    const std::optional<float> scale = ScaleOf(floats);
    if (!scale) continue;
    for (size_t channel = 0; channel < kMotionChannels; ++channel) {
      for (const float value : floats[channel]) {
        axes[channel].push_back(static_cast<int16_t>(std::lround(value / double{*scale})));
      }
    }
  }
  if (axes[0].empty()) return Walk();
  return MotionValues(std::move(axes), "real watch motion");
}

MotionValues MotionValues::Walk() {
  std::minstd_rand random(1);
  std::uniform_int_distribution<int> step(-60, 60);
  Axes axes;
  for (auto& axis : axes) {
    int value = 0;
    for (size_t i = 0; i < kMadeSamples; ++i) {
      value = std::clamp(value + step(random), -30'000, 30'000);
      axis.push_back(static_cast<int16_t>(value));
    }
  }
  return {std::move(axes), "simulated motion"};
}

MotionValues MotionValues::Noise() {
  std::mt19937 random(1);
  Axes axes;
  for (auto& axis : axes) {
    for (size_t i = 0; i < kMadeSamples; ++i) axis.push_back(static_cast<int16_t>(random()));
  }
  return {std::move(axes), "noise"};
}

void MotionValues::Append(std::string& to, size_t channel, uint64_t begin, size_t count) const {
  const std::vector<int16_t>& axis = axes_[channel % kMotionChannels];
  const size_t shift = channel / kMotionChannels * (axis.size() / 2);
  size_t at = (begin + shift) % axis.size();
  while (count > 0) {
    const size_t run = std::min(count, axis.size() - at);
    to.append(reinterpret_cast<const char*>(axis.data() + at), run * sizeof(int16_t));
    count -= run;
    at = 0;
  }
}

}  // namespace tidemark::bench
