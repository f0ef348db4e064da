// What is counted with: cheap enough for any path, and safe from any thread.
//
// Each is one atomic number in a cache line of its own. That costs a few nanoseconds, tens when two
// threads count the same at the same time; sums over shards would cost memory and an indirection
// for paths that take microseconds. Where a loop counts, it adds its sum once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace tidemark::metrics {

inline constexpr size_t kCacheLineBytes = 64;

// Only grows.
class Counter {
 public:
  void Add(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  alignas(kCacheLineBytes) std::atomic<uint64_t> value_ = 0;
};

// Goes up and down where it changes.
class Level {
 public:
  void Add(int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

  // Counts for as long as it lives.
  class Presence {
   public:
    explicit Presence(Level& level) : level_(level) { level_.Add(1); }
    ~Presence() { level_.Add(-1); }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

   private:
    Level& level_;
  };

 private:
  alignas(kCacheLineBytes) std::atomic<int64_t> value_ = 0;
};

// How often values fell at or below each of a few bounds, and their sum. Values are whole numbers
// of the smallest unit: nanoseconds, bytes, things.
class Histogram {
 public:
  // `bounds` grow. What is above the last one is counted, too.
  explicit Histogram(std::vector<uint64_t> bounds);

  void Observe(uint64_t value);
  // A time that ran backwards counts as none.
  void Observe(absl::Duration duration);

  std::span<const uint64_t> bounds() const { return bounds_; }
  // Per bound and, last, above all of them; not cumulated.
  std::vector<uint64_t> counts() const;
  uint64_t sum() const { return sum_.value(); }

 private:
  const std::vector<uint64_t> bounds_;
  std::vector<Counter> counts_;
  Counter sum_;
};

// A number that is asked for when it is read: the sum over those who know a part of it. Whoever
// knows nothing is not there, and a number that nobody knows is not shown.
class Reading {
 public:
  // Does not block, and makes and drops no source.
  using Ask = std::function<double()>;

  // One who knows a part, for as long as it lives. Its end waits for an Ask that runs.
  class Source {
   public:
    Source() = default;
    Source(Source&& other) noexcept;
    Source& operator=(Source&& other) noexcept;
    ~Source();

   private:
    friend class Reading;
    Source(Reading* reading, uint64_t id) : reading_(reading), id_(id) {}

    Reading* reading_ = nullptr;
    uint64_t id_ = 0;
  };

  // `label` tells parts apart; a word of the program, never of a request. The reading outlives the
  // source.
  [[nodiscard]] Source Add(Ask ask) { return Add("", std::move(ask)); }
  [[nodiscard]] Source Add(std::string label, Ask ask) TM_EXCLUDES(mutex_);

  // Sums by label.
  std::map<std::string, double> AskAll() const TM_EXCLUDES(mutex_);

 private:
  struct Part {
    std::string label;
    Ask ask;
  };
  void Remove(uint64_t id) TM_EXCLUDES(mutex_);

  mutable Mutex mutex_;
  uint64_t next_id_ TM_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Part> parts_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::metrics
