// A bounded cache of answers that are good for a short while.
#pragma once

#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "store/lru_cache.h"

namespace tidemark::store {

// Thread-safe.
template <class Key, class Value, class Hash = std::hash<Key>>
class FreshCache {
 public:
  // `clock` outlives this.
  FreshCache(const Clock* clock, size_t entries_max, absl::Duration fresh_for)
      : clock_(clock), fresh_for_(fresh_for), entries_(entries_max) {}

  // Nothing if nothing is known, or nothing fresh. A clock that was set back makes every entry old.
  std::optional<Value> Find(const Key& key) TM_EXCLUDES(mutex_) {
    const absl::Time now = clock_->Now();
    MutexLock lock(mutex_);
    const Entry* const entry = entries_.Find(key);
    if (entry == nullptr || now < entry->since || now >= entry->since + fresh_for_) {
      return std::nullopt;
    }
    return entry->value;
  }

  // `asked` is when the question was put: an answer is as old as its question.
  void Put(const Key& key, Value value, absl::Time asked) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    entries_.Put(key, {std::move(value), asked});
  }

 private:
  struct Entry {
    Value value;
    absl::Time since;
  };

  const Clock* const clock_;
  const absl::Duration fresh_for_;
  Mutex mutex_;
  LruCache<Key, Entry, Hash> entries_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::store
