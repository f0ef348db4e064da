// What is counted about calls.
#pragma once

#include "absl/status/status.h"
#include "base/metrics/registry.h"
#include "tidemark/v1/errors.pb.h"

namespace tidemark::rpc {

struct CallMetrics {
  explicit CallMetrics(metrics::Registry& registry);
  static CallMetrics& OfProcess();

  // A call that ended so; `reason` of one that was refused.
  void CountEnd(absl::StatusCode code, v1::ErrorReason reason);

  metrics::Counters& calls;     // by status
  metrics::Counters& refusals;  // by reason, in the order of the numbers that are known
  metrics::Counter& authentication_failures;
};

}  // namespace tidemark::rpc
