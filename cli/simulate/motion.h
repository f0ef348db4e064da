// What the motion sensors of a watch on the wrist and a phone in the pocket measure.
//
// A device turns and is shaken; both follow from one model of its orientation and of its linear
// acceleration, so that acceleration and angular rate agree with one another as they do on a body.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "cli/simulate/random.h"
#include "cli/simulate/schedule.h"

namespace tidemark::cli {

enum class Wearing { kWrist, kPocket };

using Axes = std::array<double, 3>;

struct MotionSample {
  Axes acceleration{};  // m/s2, gravity included: an axis that points up reads +g at rest
  Axes rotation{};      // rad/s
};

// Roll, pitch and yaw that turn the device's axes into the world's (z up).
struct Orientation {
  double roll = 0;
  double pitch = 0;
  double yaw = 0;
};

// A small movement out of the pose and back, as of a hand that reaches for something.
struct Gesture {
  int64_t begin_ns = 0;
  int64_t length_ns = 0;
  Orientation reach;
};

class Motion {
 public:
  Motion(const SimulateOptions& options, int participant, Wearing wearing);

  // The sample at true time `t_ns`, which increases from call to call.
  MotionSample At(int64_t t_ns);

 private:
  void Enter(const Interval& interval);
  Orientation Turned(int64_t t_ns, const Interval& interval);
  Axes Moved(int64_t t_ns, const Interval& interval);
  void AddGait(const Interval& interval, double strength, Axes& moved);
  void AddTaps(int64_t t_ns, Axes& shaken);
  void StepGait(double seconds, const Interval& interval);
  void TakeStep();
  void StepDrift(double seconds, const Interval& interval);
  double GaitStrength(int64_t t_ns, const Interval& interval) const;
  void PlanGesture(int64_t t_ns, const Interval& interval);

  Random random_;
  Random noise_;
  Schedule schedule_;
  Wearing wearing_;
  Axes gyro_bias_{};
  double gait_scale_;  // how vigorously this person walks

  int64_t last_ns_ = -1;
  int64_t entered_ns_ = -1;  // begin of the interval that was entered last
  Orientation pose_from_;
  Orientation pose_to_;
  Orientation last_turned_;
  Orientation drift_;
  Gesture gesture_;
  double stride_phase_ = 0;  // of two steps, in turns
  double step_vigour_ = 1;   // varies from step to step
  double mood_ = 0;          // and more slowly: how far arm and leg swing
  double next_mood_ = 0;
  double cadence_jitter_ = 0;
  double heading_ = 0;       // where the person walks
  double heading_goal_ = 0;  // heading_ follows smoothly
  double turn_left_ = 0;     // radians of a turn still to be walked
  double turn_speed_ = 0;    // radians per second while turning
};

}  // namespace tidemark::cli
