// Heart, breath and skin of a simulated person, and what an optical sensor on the wrist makes of
// them.
#pragma once

#include <cstdint>

#include "cli/simulate/random.h"
#include "cli/simulate/schedule.h"

namespace tidemark::cli {

struct BodySample {
  bool worn = true;
  double heart_rate_bpm = 0;
  int32_t ppg = 0;  // counts of the converter
  double skin_celsius = 0;
};

// Steps through time; what follows activity with a lag (heart, skin) is its state.
class Physiology {
 public:
  Physiology(const SimulateOptions& options, int participant);

  // The body at true time `t_ns`, which increases from call to call.
  BodySample At(int64_t t_ns);

 private:
  void StepHeart(double seconds, const Interval& interval);
  int32_t Ppg(const Interval& interval);

  Random random_;
  Random noise_;
  Schedule schedule_;
  double rest_bpm_;
  int64_t last_ns_ = -1;
  double mean_bpm_;
  double wander_bpm_ = 0;
  double bpm_ = 0;
  double beat_phase_ = 0;    // in beats
  double breath_phase_ = 0;  // in breaths
  double step_phase_ = 0;
  double baseline_ = 0;
  double perfusion_ = 1;
  double skin_celsius_;
};

}  // namespace tidemark::cli
