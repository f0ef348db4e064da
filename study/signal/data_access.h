// Which recordings a caller may read: those of kinds that its grants name. Reads of sensitive kinds
// are evidence.
#pragma once

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "base/rpc/guard.h"
#include "store/stream_catalog.h"
#include "study/context.h"

namespace tidemark::study {

// Thread-safe.
class DataAccess {
 public:
  // `catalog` outlives this.
  DataAccess(store::StreamCatalog* catalog, Context context)
      : catalog_(catalog), context_(std::move(context)) {}

  // Before anything of these streams of the caller's participant is read. Devices read their own.
  // `action` stands in the evidence: "signal.read".
  //   PERMISSION_DENIED  DATA_KIND_NOT_GRANTED, naming the kind
  // A stream that does not exist is left to the read itself.
  absl::Status Check(const rpc::Caller& caller, std::span<const StreamId> streams,
                     const std::string& action, absl::Time deadline) const;

 private:
  absl::Status Record(const rpc::Caller& caller, StreamId stream, const std::string& kind,
                      const std::string& action, absl::Time deadline) const;

  store::StreamCatalog* const catalog_;
  const Context context_;
};

}  // namespace tidemark::study
