#include "cli/simulate/physiology.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tidemark::cli {
namespace {

constexpr double kTurnRad = 2 * std::numbers::pi;
constexpr double kPulseCounts = 2600;
constexpr double kDarkCounts = 4000;     // the sensor off the skin
constexpr double kSkinCounts = 262'000;  // on the skin

// How much faster than at rest the heart goes.
double ExtraBpm(Activity activity) {
  switch (activity) {
    case Activity::kSitting:
      return 0;
    case Activity::kStanding:
      return 10;
    case Activity::kWalking:
      return 34;
    case Activity::kStandingUp:
      return 16;
    case Activity::kSittingDown:
      return 12;
  }
  return 0;
}

double Bell(double x, double centre, double width) {
  const double d = (x - centre) / width;
  return std::exp(-d * d / 2);
}

// One beat, phase in [0, 1): the systolic wave, and the dicrotic one after the notch.
double Pulse(double phase) {
  return Bell(phase, 0.22, 0.075) + 0.42 * Bell(phase, 0.52, 0.10) - 0.29;
}

}  // namespace

Physiology::Physiology(const SimulateOptions& options, int participant)
    : random_(options.seed, participant, "body"),
      noise_(options.seed, participant, "body/noise"),
      schedule_(options, participant) {
  rest_bpm_ = random_.Between(58, 76);
  mean_bpm_ = rest_bpm_ + 4;
  skin_celsius_ = random_.Between(32.6, 33.2);
}

void Physiology::StepHeart(double seconds, const Interval& interval) {
  const double target = rest_bpm_ + ExtraBpm(interval.activity);
  const double lag_s = target > mean_bpm_ ? 22 : 45;
  mean_bpm_ += std::min(seconds / lag_s, 1.0) * (target - mean_bpm_);
  const double keep = std::min(seconds / 15, 0.5);
  wander_bpm_ += -keep * wander_bpm_ + 2.2 * std::sqrt(2 * keep) * noise_.Normal();
  const double breaths_hz = interval.activity == Activity::kWalking ? 0.38 : 0.24;
  breath_phase_ += seconds * breaths_hz;
  breath_phase_ -= std::floor(breath_phase_);
  // The heart goes faster while breathing in, the more the calmer.
  const double sway = 3.2 * rest_bpm_ / mean_bpm_ * std::sin(kTurnRad * breath_phase_);
  bpm_ = std::clamp(mean_bpm_ + wander_bpm_ + sway, 40.0, 190.0);
  beat_phase_ += seconds * bpm_ / 60;
  beat_phase_ -= std::floor(beat_phase_);
  step_phase_ += seconds * interval.cadence_hz;
  step_phase_ -= std::floor(step_phase_);
}

int32_t Physiology::Ppg(const Interval& interval) {
  if (interval.posture == Posture::kOff) {
    return static_cast<int32_t>(kDarkCounts + 15 * noise_.Normal());
  }
  const double breath = std::sin(kTurnRad * breath_phase_ + 0.7);
  double counts = kSkinCounts + baseline_;
  counts += kPulseCounts * perfusion_ * (1 + 0.12 * breath) * Pulse(beat_phase_);
  counts += 700 * breath;
  switch (interval.activity) {
    case Activity::kWalking:
      counts += 3200 * std::sin(kTurnRad * step_phase_) +
                1500 * std::sin(kTurnRad * 2 * step_phase_ + 1) + 700 * noise_.Normal();
      break;
    case Activity::kStandingUp:
    case Activity::kSittingDown:
      counts += 1800 * noise_.Normal();
      break;
    default:
      counts += 60 * noise_.Normal();
  }
  return static_cast<int32_t>(std::lround(counts));
}

BodySample Physiology::At(int64_t t_ns) {
  const Interval& interval = schedule_.At(t_ns);
  schedule_.taps().clear();
  const double seconds = last_ns_ < 0 ? 1.0 / 64 : static_cast<double>(t_ns - last_ns_) / 1e9;
  last_ns_ = t_ns;
  StepHeart(seconds, interval);
  const double keep = std::min(seconds / 30, 0.5);
  const bool moves = interval.activity != Activity::kSitting;
  baseline_ += -keep * baseline_ + (moves ? 4000 : 1200) * std::sqrt(2 * keep) * noise_.Normal();
  perfusion_ += -keep * (perfusion_ - 1) + 0.15 * std::sqrt(2 * keep) * noise_.Normal();
  perfusion_ = std::clamp(perfusion_, 0.3, 2.0);

  BodySample sample;
  sample.worn = interval.posture != Posture::kOff;
  const double skin_target = sample.worn ? 33.0 - 0.02 * (mean_bpm_ - rest_bpm_) : 24.0;
  skin_celsius_ += std::min(seconds / 240, 0.5) * (skin_target - skin_celsius_);
  sample.heart_rate_bpm = bpm_;
  sample.skin_celsius = skin_celsius_ + 0.02 * noise_.Normal();
  sample.ppg = Ppg(interval);
  return sample;
}

}  // namespace tidemark::cli
