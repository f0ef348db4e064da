#include "ingest/client/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidemark::ingest {
namespace {

const Backoff::Options kOptions{.base = absl::Milliseconds(100), .cap = absl::Seconds(2)};

TEST(Backoff, StaysUnderTheDoublingCeilingAndTheCap) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Backoff backoff(kOptions, seed);
    for (int n = 0; n < 70; ++n) {
      const absl::Duration ceiling = n < 5 ? absl::Milliseconds(100) * (1 << n) : absl::Seconds(2);
      const absl::Duration wait = backoff.Next();
      EXPECT_GE(wait, absl::ZeroDuration());
      EXPECT_LT(wait, std::min(ceiling, absl::Seconds(2)) + absl::Nanoseconds(1)) << n;
    }
  }
}

TEST(Backoff, JitterIsFull) {
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Backoff backoff({.base = absl::Seconds(1), .cap = absl::Seconds(1)}, seed);
    const absl::Duration wait = backoff.Next();
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_LT(least, absl::Milliseconds(50));
  EXPECT_GT(most, absl::Milliseconds(950));
}

TEST(Backoff, ResetBeginsAnew) {
  Backoff backoff(kOptions, 7);
  for (int n = 0; n < 10; ++n) backoff.Next();
  EXPECT_EQ(backoff.failures(), 10);
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(100));
}

}  // namespace
}  // namespace tidemark::ingest
