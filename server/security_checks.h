// Looks at what protects the data of a running installation.
#pragma once

#include "absl/time/time.h"
#include "server/config.h"
#include "server/database_watch.h"
#include "server/ingest_gate.h"
#include "study/context.h"
#include "tidemark/v1/operator.pb.h"

namespace tidemark::server {

// Thread-safe; what it is given outlives it. A check that cannot be made has failed: its detail
// says why. No detail holds an id, a name or a path.
class SecurityChecks {
 public:
  SecurityChecks(const Config& config, study::Context context, const IngestGate& gate,
                 const DatabaseWatch& watch)
      : config_(config), context_(std::move(context)), gate_(gate), watch_(watch) {}

  // All of them, in a fixed order.
  v1::CheckSecurityResponse Run(absl::Time deadline) const;

 private:
  const Config& config_;
  const study::Context context_;
  const IngestGate& gate_;
  const DatabaseWatch& watch_;
};

}  // namespace tidemark::server
