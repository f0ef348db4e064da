// A bounded cache of answers that are good for a short while only.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "store/lru_cache.h"

namespace tidemark::study {

struct ExpiringCacheOptions {
  size_t entries_max = 65'536;
  absl::Duration fresh_for = absl::Seconds(5);
  // "There is no such thing" is believed for less time: it may be made at any moment.
  absl::Duration absent_for = absl::Seconds(1);
};

// Remembers what a key led to, null for nothing. Absent keys have a table of their own, so that
// guesses of strangers displace no real entry. Thread-safe.
template <class Key, class T>
class ExpiringCache {
 public:
  using Value = std::shared_ptr<const T>;

  struct Found {
    Value value;
    bool fresh;
  };

  ExpiringCache(const Clock* clock, ExpiringCacheOptions options)
      : clock_(clock),
        options_(options),
        present_(options.entries_max),
        absent_(options.entries_max) {}

  // What is known, fresh or not; nothing when nothing is known.
  std::optional<Found> Find(const Key& key) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const absl::Time* absent_since = absent_.Find(key);
    const Entry* entry = present_.Find(key);
    if (absent_since != nullptr && (entry == nullptr || entry->since < *absent_since)) {
      return Found{nullptr, IsWithin(*absent_since, options_.absent_for)};
    }
    if (entry == nullptr) return std::nullopt;
    return Found{entry->value, IsWithin(entry->since, options_.fresh_for)};
  }

  void Put(const Key& key, Value value) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (value == nullptr) {
      absent_.Put(key, clock_->Now());
    } else {
      present_.Put(key, Entry{std::move(value), clock_->Now()});
    }
  }

 private:
  struct Entry {
    Value value;
    absl::Time since;
  };

  // A clock that was set back makes every entry old.
  bool IsWithin(absl::Time since, absl::Duration age) const {
    const absl::Time now = clock_->Now();
    return since <= now && now < since + age;
  }

  const Clock* const clock_;
  const ExpiringCacheOptions options_;
  Mutex mutex_;
  store::LruCache<Key, Entry> present_ TM_GUARDED_BY(mutex_);
  store::LruCache<Key, absl::Time> absent_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::study
