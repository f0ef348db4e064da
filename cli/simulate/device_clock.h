// The clock of a simulated device: boots, drift and wander over true time.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "cli/simulate/random.h"
#include "cli/simulate/simulate.h"

namespace tidemark::cli {

// One run of the monotonic clock; the device records in [begin, end). Times are true nanoseconds
// since the start of the recording.
struct Boot {
  BootId id;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int64_t monotonic_at_begin_ns = 0;
  double rate = 0;            // at begin: monotonic seconds gained per true second
  int64_t wall_error_ns = 0;  // wall clock minus true time, constant over a boot
};

// All boots of a device, in order; one, when clock faults are off.
std::vector<Boot> MakeBoots(const SimulateOptions& options, int participant,
                            std::string_view device);

// Maps true time to the monotonic clock of one boot. The rate wanders as a random walk in steps of
// 10 s (0.3 ppm per square root of an hour), the map is linear in between.
class DeviceClock {
 public:
  DeviceClock(const SimulateOptions& options, int participant, std::string_view device,
              const Boot& boot, int boot_index);

  // `t_ns` must not be more than kMemoryNs before the latest one asked for. Increasing.
  int64_t MonotonicNs(int64_t t_ns);

  static constexpr int64_t kStepNs = 10'000'000'000;
  static constexpr int64_t kMemoryNs = 600'000'000'000;

 private:
  struct Knot {
    int64_t monotonic_ns = 0;
    double rate = 0;
  };

  Random random_;
  int64_t begin_ns_;
  bool wanders_;
  int64_t first_knot_ = 0;  // index of knots_.front(), counted from the boot's begin
  std::deque<Knot> knots_;
};

}  // namespace tidemark::cli
