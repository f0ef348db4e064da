// The server's wall clock, injected so that tests can move it.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace tidemark {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  int64_t NowNs() const { return absl::ToUnixNanos(Now()); }

  // The machine's own clock; lives as long as the process.
  static Clock& Real();
};

// Stands still until it is moved. Thread-safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(absl::Time start) : t_ns_(absl::ToUnixNanos(start)) {}
  absl::Time Now() const override { return absl::FromUnixNanos(t_ns_.load()); }
  void Advance(absl::Duration by) { t_ns_ += absl::ToInt64Nanoseconds(by); }

 private:
  std::atomic<int64_t> t_ns_;
};

}  // namespace tidemark
