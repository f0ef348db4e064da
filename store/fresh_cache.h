// A bounded cache of answers that are good for a short while.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "store/lru_cache.h"

namespace tidemark::store {

struct FreshCacheOptions {
  size_t entries_max = 65'536;
  absl::Duration fresh_for = absl::Seconds(5);
  // "There is no such thing" is believed for less time: it may be made at any moment.
  absl::Duration absent_for = absl::Seconds(1);
};

// Remembers what a key led to, null for nothing. An answer is as old as its question: what changed
// while the database was thinking shows no later than what changed before it was asked. Absent keys
// have a table of their own, so that guesses of strangers displace no real entry. Thread-safe.
template <class Key, class T, class Hash = std::hash<Key>>
class FreshCache {
 public:
  using Value = std::shared_ptr<const T>;

  struct Found {
    Value value;
    bool fresh;
  };

  // `clock` outlives this.
  explicit FreshCache(const Clock* clock, FreshCacheOptions options = {})
      : clock_(clock),
        options_(options),
        present_(options.entries_max),
        absent_(options.entries_max) {}

  // What is known, fresh or not; nothing when nothing is known.
  std::optional<Found> Find(const Key& key) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const absl::Time* const absent_asked = absent_.Find(key);
    const Entry* const entry = present_.Find(key);
    if (absent_asked != nullptr && (entry == nullptr || entry->asked < *absent_asked)) {
      return Found{nullptr, IsWithin(*absent_asked, options_.absent_for)};
    }
    if (entry == nullptr) return std::nullopt;
    return Found{entry->value, IsWithin(entry->asked, options_.fresh_for)};
  }

  // What is known and fresh.
  std::optional<Value> FindFresh(const Key& key) TM_EXCLUDES(mutex_) {
    const std::optional<Found> found = Find(key);
    return found && found->fresh ? std::optional(found->value) : std::nullopt;
  }

  // `asked` is when the question was put. Does nothing where a later question was answered already.
  void Put(const Key& key, Value value, absl::Time asked) TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (value == nullptr) {
      const absl::Time* const known = absent_.Find(key);
      if (known == nullptr || !IsNewer(*known, asked)) absent_.Put(key, asked);
    } else {
      const Entry* const known = present_.Find(key);
      if (known == nullptr || !IsNewer(known->asked, asked)) {
        present_.Put(key, Entry{std::move(value), asked});
      }
    }
  }

 private:
  struct Entry {
    Value value;
    absl::Time asked;
  };

  // A clock that was set back makes every entry old.
  bool IsWithin(absl::Time asked, absl::Duration age) const {
    const absl::Time now = clock_->Now();
    return asked <= now && now < asked + age;
  }
  // What lies in the future is from before the clock was set back.
  bool IsNewer(absl::Time known, absl::Time asked) const {
    return known > asked && known <= clock_->Now();
  }

  const Clock* const clock_;
  const FreshCacheOptions options_;
  Mutex mutex_;
  LruCache<Key, Entry, Hash> present_ TM_GUARDED_BY(mutex_);
  LruCache<Key, absl::Time, Hash> absent_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::store
