// What the phone's microphone hears in its bouts: a quiet room, and a voice now and then.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/simulate/random.h"
#include "cli/simulate/simulate.h"

namespace tidemark::cli {

inline constexpr int kSoundRateHz = 16'000;
inline constexpr int64_t kBoutNs = 5'000'000'000;

// Bouts are as long as kBoutNs; times are true nanoseconds since the start of the recording.
std::vector<int64_t> SoundBouts(const SimulateOptions& options, int participant);

class Sound {
 public:
  Sound(const SimulateOptions& options, int participant)
      : random_(options.seed, participant, "sound") {}
  // The next sample, one per 1 / kSoundRateHz.
  int16_t Next();

 private:
  void NextSyllable();

  Random random_;
  double phase_ = 0;
  double pitch_hz_ = 130;
  double level_ = 0;
  double target_level_ = 0;
  int left_ = 0;  // samples of this syllable or pause
  double low_passed_ = 0;
};

}  // namespace tidemark::cli
