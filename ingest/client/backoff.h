// How long to wait before trying again.
#pragma once

#include <cstdint>
#include <functional>
#include <random>

#include "absl/time/time.h"

namespace tidemark::ingest {

// Exponential back-off with full jitter: the n-th wait is uniform in [0, min(cap, base * 2^n)), so
// that devices which failed together do not come back together.
class Backoff {
 public:
  struct Options {
    absl::Duration base = absl::Milliseconds(200);
    absl::Duration cap = absl::Seconds(60);
  };
  Backoff(Options options, uint64_t seed) : options_(options), random_(seed) {}

  absl::Duration Next();
  void Reset() { failures_ = 0; }
  int failures() const { return failures_; }

 private:
  Options options_;
  std::mt19937_64 random_;
  int failures_ = 0;
};

}  // namespace tidemark::ingest
