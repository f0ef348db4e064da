// How much may be under way at one time, over all uploads.
#pragma once

#include <cstddef>
#include <functional>
#include <map>

#include "base/mutex.h"

namespace tidemark::ingest {

enum class Take { kTaken, kFull, kClosed };

// Thread-safe. What is taken here bounds every queue behind it.
class InFlightBudget {
 public:
  InFlightBudget(size_t messages_max, size_t weight_max)
      : messages_max_(messages_max), weight_max_(weight_max) {}

  // When full, `when_room` is called once, without a lock, as soon as something was given back or
  // the budget is closed: then it is worth asking again. One message of any weight passes alone.
  // A `waiter`, any address of the caller's own, waits once however often it asks; with an empty
  // `when_room` it does not wait at all.
  Take TryTake(size_t weight, const void* waiter, std::function<void()> when_room)
      TM_EXCLUDES(mutex_);
  // Whoever goes without having got room says so. A call that has begun may still come.
  void StopWaiting(const void* waiter) TM_EXCLUDES(mutex_);
  void GiveBack(size_t weight) TM_EXCLUDES(mutex_);
  // From now on nothing is taken.
  void Close() TM_EXCLUDES(mutex_);
  bool IsEmpty() TM_EXCLUDES(mutex_);
  // Waits until everything was given back.
  void WaitUntilEmpty() TM_EXCLUDES(mutex_);

 private:
  void WakeAll() TM_EXCLUDES(mutex_);

  const size_t messages_max_;
  const size_t weight_max_;
  Mutex mutex_;
  CondVar emptied_;
  size_t messages_ TM_GUARDED_BY(mutex_) = 0;
  size_t weight_ TM_GUARDED_BY(mutex_) = 0;
  bool closed_ TM_GUARDED_BY(mutex_) = false;
  std::map<const void*, std::function<void()>> waiting_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::ingest
