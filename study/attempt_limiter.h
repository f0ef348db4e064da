// How often strangers may try to enrol, to open sessions, and to guess credentials.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "store/lru_cache.h"

namespace tidemark::study {

// So many attempts at once, and one more after each `refill`.
struct AttemptAllowance {
  int burst = 1;
  absl::Duration refill = absl::Seconds(1);
};
inline constexpr AttemptAllowance kUnlimited = {.burst = 1, .refill = absl::ZeroDuration()};

// A session takes two attempts, its challenge and its opening; an enrolment takes one.
struct AttemptLimits {
  AttemptAllowance per_id = {.burst = 60, .refill = absl::Seconds(1)};
  // For all ids together that have not proved themselves: what an attempt costs is a signature to
  // verify and a transaction.
  AttemptAllowance strangers = {.burst = 2'000, .refill = absl::Milliseconds(5)};
  size_t ids_max = 65'536;  // remembered of strangers, and as many of those who proved themselves
};

// Counts attempts by the public id that they name (a code's, or a device's), never by address: many
// devices come from one address, that of an edge proxy. Who guesses ids uses up the room of
// strangers; a device that proved itself to this server before has room of its own, which nobody
// takes away who does not know its id. Memory is bounded: of ids beyond `ids_max` the least recent
// is forgotten. Thread-safe; `clock` outlives it.
class AttemptLimiter {
 public:
  explicit AttemptLimiter(const Clock* clock, AttemptLimits limits = {});

  //   RESOURCE_EXHAUSTED  OVERLOADED, with the time after which there is room again
  absl::Status Try(const std::string& public_id) TM_EXCLUDES(mutex_);

  // Whether Try would let an attempt through; takes no room.
  absl::Status CheckRoom(const std::string& public_id) TM_EXCLUDES(mutex_);

  // The last attempt of `public_id` was its owner's.
  void Prove(const std::string& public_id) TM_EXCLUDES(mutex_);

 private:
  // All that a bucket must remember: when it will be as full of room as it gets.
  using FullAt = absl::Time;

  // How long an attempt of `public_id` must wait; zero or less: it need not.
  absl::Duration WaitFor(const std::string& public_id, absl::Time now) TM_REQUIRES(mutex_);
  FullAt FullAtOf(const std::string& public_id, absl::Time now) TM_REQUIRES(mutex_);

  const Clock* const clock_;
  const AttemptLimits limits_;
  Mutex mutex_;
  FullAt strangers_full_at_ TM_GUARDED_BY(mutex_) = absl::InfinitePast();
  store::LruCache<std::string, FullAt> unknown_ TM_GUARDED_BY(mutex_);
  store::LruCache<std::string, FullAt> proved_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::study
