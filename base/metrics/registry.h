// All metrics of a process, and the page on which Prometheus reads them.
//
//   struct PumpMetrics {
//     explicit PumpMetrics(metrics::Registry& registry)
//         : strokes(registry.AddCounter({"tidemark_pump_strokes_total", "Strokes of the pump."}))
//         {}
//     static PumpMetrics& OfProcess();  // makes it on first use, in metrics::Registry::OfProcess()
//     metrics::Counter& strokes;
//   };
//
// A label has a handful of values that are known to the program: nothing of a request, and no id of
// a participant, device or study, can become one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics/instruments.h"
#include "base/mutex.h"

namespace tidemark::metrics {

// What a metric's values are in. Durations are observed in nanoseconds and shown in seconds.
enum class Unit { kNone, kSeconds, kBytes };

struct Description {
  // "tidemark_..." or "process_...", in lower case, with the unit at its end (_seconds, _bytes)
  // and, for what only grows, "_total" behind that.
  std::string_view name;
  std::string_view help;  // a sentence for people
  Unit unit = Unit::kNone;
};

// One counter for each value of a label.
class Counters {
 public:
  explicit Counters(size_t size) : counters_(size) {}
  Counter& operator[](size_t i) { return counters_[i]; }
  const Counter& operator[](size_t i) const { return counters_[i]; }
  size_t size() const { return counters_.size(); }

 private:
  std::vector<Counter> counters_;
};

// As the list of metrics has it.
struct Listed {
  std::string name;
  std::string type;  // counter, gauge or histogram
  std::string label;
  std::string help;
};

// Thread-safe. What it gives lives as long as it does. A name that breaks the rules or is taken
// ends the process: it is a mistake of the program, found at its start.
class Registry {
 public:
  // The one that is served; never destroyed.
  static Registry& OfProcess();

  Registry();
  ~Registry();

  Counter& AddCounter(const Description& description);
  Counters& AddCounters(const Description& description, std::string_view label,
                        std::vector<std::string> values);
  Level& AddLevel(const Description& description);
  Histogram& AddHistogram(const Description& description, std::vector<uint64_t> bounds);
  // `label` "": its sources have none.
  Reading& AddReading(const Description& description, std::string_view label = "");
  // One that only grows, such as the time of the processor.
  Reading& AddGrowingReading(const Description& description, std::string_view label = "");

  // Text exposition format 0.0.4, metrics in the order of their names.
  std::string Text() const TM_EXCLUDES(mutex_);
  // In the same order.
  std::vector<Listed> List() const TM_EXCLUDES(mutex_);

 private:
  class Metric;
  template <class M, class... Args>
  M& Add(const Description& description, Args&&... args) TM_EXCLUDES(mutex_);

  class OfCounters;
  class OfLevel;
  class OfHistogram;
  class OfReading;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Metric>> metrics_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::metrics
