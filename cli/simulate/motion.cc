#include "cli/simulate/motion.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/signal/frames.h"

namespace tidemark::cli {
namespace {

using signal::kStandardGravity;

constexpr double kTurn = 2 * std::numbers::pi;
constexpr double kDegree = std::numbers::pi / 180;
constexpr double kPoseSeconds = 1.1;  // a change of posture of the arm
constexpr double kAccelerationNoise = 0.035;
constexpr double kRotationNoise = 0.006;

double Seconds(int64_t ns) { return static_cast<double>(ns) / kNsPerS; }

// From 0 to 1 with no jerk at the ends, as people move.
double Ease(double u) {
  u = std::clamp(u, 0.0, 1.0);
  return u * u * u * (10 + u * (6 * u - 15));
}

double Bump(double u) {
  if (u <= 0 || u >= 1) return 0;
  const double s = std::sin(std::numbers::pi * u);
  return s * s;
}

Orientation Mix(const Orientation& a, const Orientation& b, double u) {
  return {a.roll + u * (b.roll - a.roll), a.pitch + u * (b.pitch - a.pitch),
          a.yaw + u * (b.yaw - a.yaw)};
}

Orientation Sum(const Orientation& a, const Orientation& b) {
  return {a.roll + b.roll, a.pitch + b.pitch, a.yaw + b.yaw};
}

// A vector of the world seen from the device.
Axes FromWorld(const Orientation& o, const Axes& v) {
  const double cy = std::cos(o.yaw), sy = std::sin(o.yaw);
  const double cp = std::cos(o.pitch), sp = std::sin(o.pitch);
  const double cr = std::cos(o.roll), sr = std::sin(o.roll);
  const double x1 = cy * v[0] + sy * v[1];
  const double y1 = -sy * v[0] + cy * v[1];
  const double x2 = cp * x1 - sp * v[2];
  const double z2 = sp * x1 + cp * v[2];
  return {x2, cr * y1 + sr * z2, -sr * y1 + cr * z2};
}

// Angular rate in the device's axes while the angles change from `a` to `b`.
Axes Rotation(const Orientation& a, const Orientation& b, double seconds) {
  const double roll = (b.roll - a.roll) / seconds;
  const double pitch = (b.pitch - a.pitch) / seconds;
  const double yaw = (b.yaw - a.yaw) / seconds;
  const double cp = std::cos(b.pitch), sp = std::sin(b.pitch);
  const double cr = std::cos(b.roll), sr = std::sin(b.roll);
  return {roll - yaw * sp, pitch * cr + yaw * sr * cp, -pitch * sr + yaw * cr * cp};
}

// The watch: x along the forearm away from the hand, so that a hanging arm reads x = -g, as the
// real watch of the development data does.
Orientation WristPose(const Interval& interval) {
  if (interval.activity == Activity::kStandingUp) return {-0.6, 0.55, 0};
  switch (interval.posture) {
    case Posture::kTable:
      return {-0.12, 0.05, 0};
    case Posture::kLap:
      return {-0.5, 0.3, 0.5};
    case Posture::kHanging:
      return {-1.1, 1.22, 0.2};
    case Posture::kRaised:
      return {0.45, -0.25, 0.9};
    case Posture::kOff:
      return {0.0, 0.01, -0.3};
  }
  return {};
}

// The phone: in the pocket, its screen to the thigh, which lies while sitting and stands otherwise.
Orientation PocketPose(const Interval& interval) {
  const bool sits =
      interval.activity == Activity::kSitting || interval.activity == Activity::kSittingDown;
  return sits ? Orientation{0.25, -2.85, 0} : Orientation{0.2, -1.45, 0};
}

}  // namespace

Motion::Motion(const SimulateOptions& options, int participant, Wearing wearing)
    : random_(options.seed, participant, wearing == Wearing::kWrist ? "wrist" : "pocket"),
      noise_(options.seed, participant,
             wearing == Wearing::kWrist ? "wrist/noise" : "pocket/noise"),
      schedule_(options, participant),
      wearing_(wearing) {
  for (double& bias : gyro_bias_) bias = 0.004 * random_.Normal();
  gait_scale_ = random_.Between(0.85, 1.15);
}

MotionSample Motion::At(int64_t t_ns) {
  const Interval& interval = schedule_.At(t_ns);
  const bool first = last_ns_ < 0;
  const double seconds = first ? 0.01 : Seconds(t_ns - last_ns_);
  if (interval.begin_ns != entered_ns_) Enter(interval);
  StepGait(seconds, interval);
  StepDrift(seconds, interval);
  PlanGesture(t_ns, interval);

  const Orientation turned = Turned(t_ns, interval);
  Axes world = Moved(t_ns, interval);
  world[2] += kStandardGravity;
  MotionSample sample;
  // Movements are told along and across the way the person faces.
  const double c = std::cos(heading_), n = std::sin(heading_);
  sample.acceleration =
      FromWorld(turned, {c * world[0] - n * world[1], n * world[0] + c * world[1], world[2]});
  // After a pause (a restart) the change of pose took longer than one sample.
  if (!first && seconds < 1) sample.rotation = Rotation(last_turned_, turned, seconds);
  AddTaps(t_ns, sample.acceleration);
  for (size_t i = 0; i < 3; ++i) {
    sample.acceleration[i] += kAccelerationNoise * noise_.Normal();
    sample.rotation[i] += gyro_bias_[i] + kRotationNoise * noise_.Normal();
  }
  last_ns_ = t_ns;
  last_turned_ = turned;
  return sample;
}

void Motion::Enter(const Interval& interval) {
  const bool first = entered_ns_ < 0;
  const bool wrist = wearing_ == Wearing::kWrist;
  Orientation target = wrist ? WristPose(interval) : PocketPose(interval);
  // Nobody takes the same pose twice.
  const double spread = interval.posture == Posture::kOff && wrist ? 0.01 : (wrist ? 0.16 : 0.04);
  target.roll += spread * random_.Normal();
  target.pitch += spread * random_.Normal();
  target.yaw += 2 * spread * random_.Normal();
  pose_from_ = first ? target : pose_to_;
  pose_to_ = target;
  entered_ns_ = interval.begin_ns;
}

double Motion::GaitStrength(int64_t t_ns, const Interval& interval) const {
  if (interval.activity != Activity::kWalking) return 0;
  const double in = Seconds(t_ns - interval.begin_ns);
  const double out = Seconds(interval.end_ns - t_ns);
  return Ease(in / 1.2) * Ease(out / 1.0);
}

void Motion::StepGait(double seconds, const Interval& interval) {
  if (interval.activity != Activity::kWalking) return;
  const double before = stride_phase_;
  stride_phase_ += seconds * interval.cadence_hz / 2 * (1 + cadence_jitter_);
  mood_ += std::min(seconds / 0.4, 1.0) * (next_mood_ - mood_);
  const double turned = std::min(std::abs(turn_speed_) * seconds, turn_left_);
  turn_left_ -= turned;
  heading_goal_ += std::copysign(turned, turn_speed_);
  heading_ += std::min(seconds / 0.2, 1.0) * (heading_goal_ - heading_);
  if (std::floor(2 * before) != std::floor(2 * stride_phase_)) TakeStep();
}

// People vary by a few per cent in time from step to step and more in force, and they turn.
void Motion::TakeStep() {
  constexpr double kTurnsPerStep = 1.0 / 14;
  stride_phase_ -= std::floor(stride_phase_);
  cadence_jitter_ = 0.6 * cadence_jitter_ + 0.022 * random_.Normal();
  step_vigour_ = std::clamp(1 + 0.2 * random_.Normal(), 0.5, 1.7);
  next_mood_ = std::clamp(0.93 * next_mood_ + 0.09 * random_.Normal(), -0.45, 0.6);
  if (turn_left_ <= 0 && random_.Chance(kTurnsPerStep)) {
    turn_left_ = random_.Between(0.6, 3.2);
    turn_speed_ = random_.Between(1.2, 2.8) * (random_.Chance(0.5) ? 1 : -1);
  }
}

// A pose is never quite kept: a slow wander that is drawn back.
void Motion::StepDrift(double seconds, const Interval& interval) {
  const bool lies = wearing_ == Wearing::kWrist && interval.posture == Posture::kOff;
  const double spread = lies ? 0 : (wearing_ == Wearing::kWrist ? 0.03 : 0.01);
  const double keep = std::min(seconds / 20, 0.5);  // time constant 20 s
  const double kick = spread * std::sqrt(2 * keep);
  drift_.roll += -keep * drift_.roll + kick * random_.Normal();
  drift_.pitch += -keep * drift_.pitch + kick * random_.Normal();
}

void Motion::PlanGesture(int64_t t_ns, const Interval& interval) {
  if (t_ns < gesture_.begin_ns + gesture_.length_ns) return;
  const bool wrist = wearing_ == Wearing::kWrist;
  const bool lies = wrist && interval.posture == Posture::kOff;
  const double every_s = wrist ? 14 : 60;
  const double reach = lies ? 0 : (wrist ? 18 * kDegree : 3 * kDegree);
  gesture_.begin_ns = t_ns + static_cast<int64_t>(random_.Exponential(every_s) * kNsPerS);
  gesture_.length_ns = static_cast<int64_t>(random_.Between(0.6, 2.5) * kNsPerS);
  gesture_.reach = {reach * random_.Normal(), reach * random_.Normal(), reach * random_.Normal()};
}

Orientation Motion::Turned(int64_t t_ns, const Interval& interval) {
  const double since = Seconds(t_ns - interval.begin_ns);
  const double whole = Seconds(interval.end_ns - interval.begin_ns);
  const bool rises =
      interval.activity == Activity::kStandingUp || interval.activity == Activity::kSittingDown;
  Orientation turned = Mix(pose_from_, pose_to_, Ease(since / (rises ? whole : kPoseSeconds)));
  turned = Sum(turned, drift_);
  const double u = static_cast<double>(t_ns - gesture_.begin_ns) /
                   static_cast<double>(std::max<int64_t>(gesture_.length_ns, 1));
  turned = Sum(turned, Mix({}, gesture_.reach, Bump(u)));

  // Arm and thigh swing once per stride, not quite as sines.
  turned.yaw += heading_;
  const double strength = gait_scale_ * (1 + mood_) * GaitStrength(t_ns, interval);
  if (strength > 0) {
    const double phase = kTurn * stride_phase_;
    const double swing = std::sin(phase) + 0.18 * std::sin(2 * phase + 0.6);
    const bool wrist = wearing_ == Wearing::kWrist;
    const double reach = (wrist ? 19 : 22) * kDegree;
    turned.pitch += strength * reach * swing;
    turned.roll += strength * (wrist ? 0.35 : 0.5) * reach * std::sin(phase + 0.9);
    turned.yaw += strength * (wrist ? 0.3 : 0.4) * reach * std::sin(2 * phase + 0.3);
  }
  return turned;
}

Axes Motion::Moved(int64_t t_ns, const Interval& interval) {
  Axes moved{};
  const double strength = gait_scale_ * (1 + 0.6 * mood_) * GaitStrength(t_ns, interval);
  if (strength > 0) AddGait(interval, strength, moved);
  // Whoever reaches for something starts and stops.
  const double v = static_cast<double>(t_ns - gesture_.begin_ns) /
                   static_cast<double>(std::max<int64_t>(gesture_.length_ns, 1));
  const double push = 5 * Bump(v) * std::cos(std::numbers::pi * v);
  moved[0] += push * gesture_.reach.pitch;
  moved[1] += push * gesture_.reach.roll;
  moved[2] += push * gesture_.reach.yaw;

  const double since = Seconds(t_ns - interval.begin_ns);
  const double u = since / Seconds(interval.end_ns - interval.begin_ns);
  if (interval.activity == Activity::kStandingUp) {
    // Lean forward, push up, come to rest.
    moved[0] += 2.2 * std::sin(kTurn * u) * Bump(u);
    moved[2] += 3.4 * std::sin(kTurn * std::clamp(1.4 * u - 0.25, 0.0, 1.0));
  } else if (interval.activity == Activity::kSittingDown) {
    moved[0] += -1.6 * std::sin(kTurn * u) * Bump(u);
    moved[2] -= 2.6 * std::sin(kTurn * std::clamp(1.3 * u, 0.0, 1.0));
    // The chair.
    const double after = since - 0.8 * Seconds(interval.end_ns - interval.begin_ns);
    if (after > 0) moved[2] += 5 * std::exp(-after / 0.06) * std::cos(kTurn * 9 * after);
  }
  return moved;
}

// Harmonics of the step, and the ringing of each heel strike.
void Motion::AddGait(const Interval& interval, double strength, Axes& moved) {
  const bool wrist = wearing_ == Wearing::kWrist;
  const double step = kTurn * 2 * stride_phase_;
  const double stride = kTurn * stride_phase_;
  const double size = strength * step_vigour_ * (wrist ? 1.05 : 1.75);
  moved[2] += size * (2.0 * std::sin(step) + 0.9 * std::sin(2 * step + 0.8) +
                      0.45 * std::sin(3 * step + 2.1) + 0.2 * std::sin(4 * step + 0.4));
  moved[0] += size * (1.1 * std::sin(step + 1.3) + 0.5 * std::sin(2 * step + 2.9));
  moved[1] += size * (0.8 * std::sin(stride + 0.5) + 0.35 * std::sin(3 * stride + 1.7));
  // The arm is a pendulum: outward along it while it is fast.
  if (wrist) moved[2] += strength * 0.9 * (1 + std::cos(2 * stride)) / 2;
  const double turns = 2 * stride_phase_ - std::floor(2 * stride_phase_);
  const double since_strike = turns / interval.cadence_hz;
  const double ring = std::exp(-since_strike / 0.035) * std::cos(kTurn * 13 * since_strike);
  moved[2] += size * (wrist ? 2.2 : 6.5) * ring;
  moved[0] -= size * (wrist ? 1.0 : 2.5) * ring;
}

// Contacts shake the watch along z for some hundredths of a second.
void Motion::AddTaps(int64_t t_ns, Axes& shaken) {
  constexpr int64_t kRingsNs = 200'000'000;
  auto& taps = schedule_.taps();
  const auto over_ns = [](const Tap& tap) {
    return tap.t_ns + kRingsNs + (tap.is_double ? kDoubleTapNs : 0);
  };
  while (!taps.empty() && over_ns(taps.front()) < t_ns) taps.pop_front();
  if (wearing_ != Wearing::kWrist || taps.empty()) return;
  const Tap& tap = taps.front();
  for (const int64_t begin_ns : {tap.t_ns, tap.t_ns + kDoubleTapNs}) {
    const double after = Seconds(t_ns - begin_ns);
    if (after < 0 || (begin_ns != tap.t_ns && !tap.is_double)) continue;
    const double ring = std::exp(-after / 0.016) * std::cos(kTurn * 24 * after);
    shaken[2] -= 11 * ring;
    shaken[0] += 3 * ring;
    shaken[1] += 2 * ring;
  }
}

}  // namespace tidemark::cli
