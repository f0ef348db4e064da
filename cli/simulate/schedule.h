// What a simulated person does: the truth that all devices of the person share.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "cli/simulate/random.h"
#include "cli/simulate/simulate.h"

namespace tidemark::cli {

enum class Activity { kSitting, kStanding, kWalking, kStandingUp, kSittingDown };
// Where the arm with the watch is while nobody walks.
enum class Posture { kTable, kLap, kHanging, kRaised, kOff };

std::string_view NameOf(Activity activity);
std::string_view NameOf(Posture posture);

// One thing done in one posture. Times are true nanoseconds since the start of the recording.
struct Interval {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  Activity activity = Activity::kSitting;
  Posture posture = Posture::kTable;  // kOff: the watch lies on the table, not worn
  double cadence_hz = 0;              // steps per second while walking
};

// A finger on the glass of the watch.
struct Tap {
  int64_t t_ns = 0;
  bool is_double = false;  // the second contact follows after kDoubleTapNs
};
inline constexpr int64_t kDoubleTapNs = 180'000'000;

// Walks through the schedule of one participant, front to back. Every reader of the same options
// and participant sees the same intervals and taps.
class Schedule {
 public:
  Schedule(const SimulateOptions& options, int participant);

  // The interval at `t_ns`, which must not decrease from call to call; the last one is cut at the
  // end of the recording and holds on after it.
  const Interval& At(int64_t t_ns);
  // Taps of the intervals entered so far and not yet taken, in order.
  std::deque<Tap>& taps() { return taps_; }
  int64_t end_ns() const { return end_ns_; }

 private:
  void Advance();
  void Plan();
  void Sit();
  void Push(Activity activity, Posture posture, double seconds);
  void AddTaps(const Interval& interval);

  Random random_;
  int64_t end_ns_;
  double cadence_hz_;  // of this person
  Interval current_;
  std::deque<Interval> planned_;
  int64_t planned_until_ns_ = 0;
  std::deque<Tap> taps_;
};

// When the recording ends: `hours` in nanoseconds.
int64_t EndNs(const SimulateOptions& options);

}  // namespace tidemark::cli
