// Where device time stands on study time: the seam behind which clock models will come.
//
// Nothing stored depends on a placement. Whoever has a range of study time inverts it into device
// time for each boot and clock, scans device time, and places what it finds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "core/signal/overview.h"

namespace tidemark::store {

// A line through an anchor, for one boot and clock:
//   study = anchor_study + (device - anchor_device) * (1 + rate_ppb / 10^9)
struct Placement {
  BootId boot_id;
  uint32_t clock_id = 0;
  uint64_t model_version = 0;  // 0: the clock pair that the device declared
  int64_t anchor_device_ns = 0;
  int64_t anchor_study_ns = 0;
  double rate_ppb = 0;
  std::optional<double> sigma_ns;  // nothing: unknown
  std::optional<double> bound_ns;

  // Both saturate at the ends of int64 and never decrease. They are inverse to each other within
  // the rounding to a nanosecond; exactly so with a rate of zero.
  int64_t ToStudy(int64_t device_ns) const;
  int64_t ToDevice(int64_t study_ns) const;

  // Where stamps from `first_ns` to `last_ns`, both inside, stand; never empty.
  signal::TimeRange ToStudySpan(int64_t first_ns, int64_t last_ns) const;

  friend bool operator==(const Placement&, const Placement&) = default;
};

// A clock of one boot of one device.
struct DeviceClock {
  DeviceId device_id;
  BootId boot_id;
  uint32_t clock_id = 0;
};

// Says which placements hold now. Thread-safe.
class PlacementSource {
 public:
  virtual ~PlacementSource() = default;

  // One for each of `clocks`, in their order; nothing for one of which nothing is known. Costs what
  // is asked for, not what the participant has. Fails as the database does.
  virtual absl::StatusOr<std::vector<std::optional<Placement>>> For(
      ParticipantId participant, std::span<const DeviceClock> clocks, absl::Time deadline) = 0;
};

}  // namespace tidemark::store
