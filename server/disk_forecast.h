// When the disk of the database will be full, as far as its growth tells.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"

namespace tidemark::server {

// Watches sizes as they come. Not thread-safe.
class DiskForecast {
 public:
  static constexpr absl::Duration kStep = absl::Hours(1);         // between sizes that are kept
  static constexpr absl::Duration kWindow = absl::Hours(7 * 24);  // and for how long
  static constexpr absl::Duration kLeast = absl::Hours(1);        // before growth means anything

  void Add(absl::Time now, int64_t bytes);

  struct Growth {
    double bytes_per_day = 0;  // below zero while it shrinks
    absl::Duration watched;
  };
  // Over the window; nothing before kLeast.
  std::optional<Growth> growth() const;

 private:
  struct Size {
    absl::Time time;
    int64_t bytes = 0;
  };
  std::deque<Size> kept_;  // oldest first
  Size newest_;
};

// Days until `free_bytes` are used up; nothing when it does not grow.
std::optional<double> DaysUntilFull(const DiskForecast::Growth& growth, int64_t free_bytes);

}  // namespace tidemark::server
