// A bounded map that forgets what was not used for longest.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace tidemark::store {

// Not thread-safe: its owner locks. Holds at most `entries_max` >= 1 entries.
template <class Key, class Value, class Hash = std::hash<Key>>
class LruCache {
 public:
  explicit LruCache(size_t entries_max) : entries_max_(entries_max) {}

  // Valid until the next Put or EraseIf; null when there is none.
  const Value* Find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }

  void Put(const Key& key, Value value) {
    if (const auto found = index_.find(key); found != index_.end()) {
      found->second->second = std::move(value);
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    if (index_.size() >= entries_max_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, std::move(value));
    index_.emplace(key, order_.begin());
  }

  template <class Predicate>
  void EraseIf(Predicate&& predicate) {
    for (auto entry = order_.begin(); entry != order_.end();) {
      if (!predicate(entry->first)) {
        ++entry;
        continue;
      }
      index_.erase(entry->first);
      entry = order_.erase(entry);
    }
  }

  size_t size() const { return index_.size(); }

 private:
  using Order = std::list<std::pair<Key, Value>>;

  const size_t entries_max_;
  Order order_;  // most recently used first
  std::unordered_map<Key, typename Order::iterator, Hash> index_;
};

}  // namespace tidemark::store
