#include "cli/simulate/sound.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cli/simulate/schedule.h"

namespace tidemark::cli {
namespace {

constexpr double kBoutEveryS = 300;

}  // namespace

std::vector<int64_t> SoundBouts(const SimulateOptions& options, int participant) {
  std::vector<int64_t> bouts;
  if (!options.audio) return bouts;
  Random random(options.seed, participant, "bouts");
  const int64_t end_ns = EndNs(options);
  double at_s = random.Between(5, 20);
  for (;;) {
    const auto begin_ns = static_cast<int64_t>(at_s * 1e9);
    if (begin_ns + kBoutNs > end_ns) return bouts;
    bouts.push_back(begin_ns);
    at_s += kBoutEveryS * random.Between(0.8, 1.2);
  }
}

void Sound::NextSyllable() {
  const bool speaks = random_.Chance(0.65);
  target_level_ = speaks ? random_.Between(900, 5200) : 0;
  pitch_hz_ = random_.Between(105, 190);
  left_ = static_cast<int>(kSoundRateHz * random_.Between(0.08, speaks ? 0.28 : 0.6));
}

int16_t Sound::Next() {
  if (left_-- <= 0) NextSyllable();
  level_ += (target_level_ - level_) / (0.02 * kSoundRateHz);
  phase_ += pitch_hz_ / kSoundRateHz;
  phase_ -= std::floor(phase_);
  // A voice is rich in harmonics; breath and room are noise.
  double voice = 0;
  for (int harmonic = 1; harmonic <= 6; ++harmonic) {
    voice += std::sin(2 * std::numbers::pi * harmonic * phase_) / harmonic;
  }
  low_passed_ += 0.2 * (random_.Normal() - low_passed_);
  const double value = level_ * (0.7 * voice + 0.6 * low_passed_) + 45 * low_passed_;
  return static_cast<int16_t>(std::lround(std::clamp(value, -32'000.0, 32'000.0)));
}

}  // namespace tidemark::cli
