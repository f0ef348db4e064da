// A queue with a bound on count and on weight (usually bytes) between threads.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace tidemark {

// Full means "stop producing", never "drop": TryPush refuses and the caller still owns the item.
// Closing lets consumers drain what is queued and then end. Thread-safe.
template <class T>
class BoundedQueue {
 public:
  // An empty queue accepts one item of any weight, so that a single large item can pass.
  BoundedQueue(size_t count_max, size_t weight_max)
      : count_max_(count_max), weight_max_(weight_max) {}

  // Moves from `item` and returns true, or leaves it alone and returns false (full or closed).
  bool TryPush(T& item, size_t weight) TM_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      const bool full =
          !items_.empty() && (items_.size() >= count_max_ || weight_ + weight > weight_max_);
      if (closed_ || full) return false;
      items_.emplace_back(std::move(item), weight);
      weight_ += weight;
    }
    not_empty_.NotifyOne();
    return true;
  }

  // Waits for at least one item, then takes what is there in order, up to `count_max` items and
  // `weight_max` (the first item always). Empty only when the queue is closed and drained.
  std::vector<T> PopSome(size_t count_max, size_t weight_max) TM_EXCLUDES(mutex_) {
    std::vector<T> taken;
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_) not_empty_.Wait(mutex_);
    size_t taken_weight = 0;
    while (!items_.empty() && taken.size() < count_max) {
      auto& [item, weight] = items_.front();
      if (!taken.empty() && taken_weight + weight > weight_max) break;
      taken_weight += weight;
      weight_ -= weight;
      taken.push_back(std::move(item));
      items_.pop_front();
    }
    return taken;
  }

  void Close() TM_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    not_empty_.NotifyAll();
  }

  size_t size() const TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return items_.size();
  }
  size_t weight() const TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return weight_;
  }

 private:
  const size_t count_max_;
  const size_t weight_max_;
  mutable Mutex mutex_;
  CondVar not_empty_;
  std::deque<std::pair<T, size_t>> items_ TM_GUARDED_BY(mutex_);
  size_t weight_ TM_GUARDED_BY(mutex_) = 0;
  bool closed_ TM_GUARDED_BY(mutex_) = false;
};

}  // namespace tidemark
