// What is counted about the database: errors, and connections that are shared.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "base/metrics/registry.h"

namespace tidemark::db {

// Classes of errors, as an operator tells them apart; values of the label "class", in this order.
enum class ErrorClass {
  kConnection,  // lost or refused
  kInDoubt,     // lost during COMMIT
  kContention,  // deadlocks, serialization, locks
  kTimeout,
  kRoom,  // memory, disk, connections
  kConstraint,
  kValue,
  kOther,
};
ErrorClass ErrorClassOf(std::string_view sqlstate);

struct DatabaseMetrics {
  explicit DatabaseMetrics(metrics::Registry& registry);
  static DatabaseMetrics& OfProcess();

  void CountError(ErrorClass which) { errors[static_cast<size_t>(which)].Add(); }

  metrics::Counters& errors;
  metrics::Reading& connections_in_use;
  metrics::Reading& connections_max;
  metrics::Reading& waiting;
};

// What a pool says of itself while it lives.
class PoolReadings {
 public:
  struct Now {
    size_t in_use = 0;
    size_t waiting = 0;
  };
  // `name` is the program's own word for the pool. `now` is asked from any thread.
  PoolReadings(const std::string& name, size_t connections_max, std::function<Now()> now);

 private:
  std::array<metrics::Reading::Source, 3> sources_;
};

}  // namespace tidemark::db
