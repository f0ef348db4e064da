#include "ingest/in_flight_budget.h"

#include <utility>

namespace tidemark::ingest {

Take InFlightBudget::TryTake(size_t weight, const void* waiter, std::function<void()> when_room) {
  MutexLock lock(mutex_);
  if (closed_) return Take::kClosed;
  const bool full = messages_ > 0 && (messages_ >= messages_max_ || weight_ + weight > weight_max_);
  if (full) {
    if (when_room) waiting_.insert_or_assign(waiter, std::move(when_room));
    return Take::kFull;
  }
  ++messages_;
  weight_ += weight;
  return Take::kTaken;
}

void InFlightBudget::StopWaiting(const void* waiter) {
  MutexLock lock(mutex_);
  waiting_.erase(waiter);
}

void InFlightBudget::GiveBack(size_t weight) {
  {
    MutexLock lock(mutex_);
    --messages_;
    weight_ -= weight;
    // Under the lock: whoever waits for the end may destroy this right after it.
    if (messages_ == 0) emptied_.NotifyAll();
    if (waiting_.empty()) return;
  }
  WakeAll();
}

void InFlightBudget::Close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  WakeAll();
}

bool InFlightBudget::IsEmpty() {
  MutexLock lock(mutex_);
  return messages_ == 0;
}

void InFlightBudget::WaitUntilEmpty() {
  MutexLock lock(mutex_);
  while (messages_ > 0) emptied_.Wait(mutex_);
}

// All of them: one that is woken may have gone meanwhile, and must not swallow the turn of another.
void InFlightBudget::WakeAll() {
  std::map<const void*, std::function<void()>> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& [waiter, when_room] : waiting) when_room();
}

}  // namespace tidemark::ingest
