#include "study/attempt_limiter.h"

#include <algorithm>

#include "base/rpc/reason.h"

namespace tidemark::study {
namespace {

// How long until there is room for one attempt in a bucket that is full of room at `full_at`.
absl::Duration WaitOf(const AttemptAllowance& allowance, absl::Time full_at, absl::Time now) {
  return full_at - now - (allowance.burst - 1) * allowance.refill;
}

// When it is full again after one more attempt at `now`.
absl::Time AfterAttempt(const AttemptAllowance& allowance, absl::Time full_at, absl::Time now) {
  return std::max(full_at, now) + allowance.refill;
}

// An empty bucket at the worst, also after the clock was set back.
absl::Time Sane(const AttemptAllowance& allowance, absl::Time full_at, absl::Time now) {
  return std::min(full_at, now + allowance.burst * allowance.refill);
}

absl::Status TooMany(absl::Duration wait) {
  return rpc::WithRetry(rpc::Error(absl::StatusCode::kResourceExhausted,
                                   v1::ERROR_REASON_OVERLOADED, "too many attempts"),
                        wait);
}

}  // namespace

AttemptLimiter::AttemptLimiter(const Clock* clock, AttemptLimits limits)
    : clock_(clock), limits_(limits), unknown_(limits.ids_max), proved_(limits.ids_max) {}

absl::Status AttemptLimiter::Try(const std::string& public_id) {
  const absl::Time now = clock_->Now();
  MutexLock lock(mutex_);
  const absl::Duration wait = WaitFor(public_id, now);
  const bool proved = proved_.Find(public_id) != nullptr;
  auto& ids = proved ? proved_ : unknown_;
  const absl::Time full_at = FullAtOf(public_id, now);
  if (wait > absl::ZeroDuration()) {
    // A refusal takes no room: who asks on does not push the time away.
    if (ids.Find(public_id) != nullptr) ids.Put(public_id, full_at);
    return TooMany(wait);
  }
  ids.Put(public_id, AfterAttempt(limits_.per_id, full_at, now));
  if (!proved) strangers_full_at_ = AfterAttempt(limits_.strangers, strangers_full_at_, now);
  return absl::OkStatus();
}

absl::Status AttemptLimiter::CheckRoom(const std::string& public_id) {
  MutexLock lock(mutex_);
  const absl::Duration wait = WaitFor(public_id, clock_->Now());
  return wait > absl::ZeroDuration() ? TooMany(wait) : absl::OkStatus();
}

absl::Duration AttemptLimiter::WaitFor(const std::string& public_id, absl::Time now) {
  strangers_full_at_ = Sane(limits_.strangers, strangers_full_at_, now);
  const absl::Duration wait = WaitOf(limits_.per_id, FullAtOf(public_id, now), now);
  if (proved_.Find(public_id) != nullptr) return wait;
  return std::max(wait, WaitOf(limits_.strangers, strangers_full_at_, now));
}

AttemptLimiter::FullAt AttemptLimiter::FullAtOf(const std::string& public_id, absl::Time now) {
  const FullAt* known = proved_.Find(public_id);
  if (known == nullptr) known = unknown_.Find(public_id);
  return Sane(limits_.per_id, known != nullptr ? *known : now, now);
}

void AttemptLimiter::Prove(const std::string& public_id) {
  const absl::Time now = clock_->Now();
  MutexLock lock(mutex_);
  if (proved_.Find(public_id) != nullptr) return;
  const absl::Time* const full_at = unknown_.Find(public_id);
  proved_.Put(public_id, full_at != nullptr ? *full_at : now);
}

}  // namespace tidemark::study
