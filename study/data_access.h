// Which recordings a caller may read: those of kinds that its grants name. Reads of sensitive kinds
// are evidence.
#pragma once

#include <map>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "store/stream_catalog.h"
#include "study/call.h"
#include "study/context.h"

namespace tidemark::study {

// Thread-safe. Asked before anything of a stream of the call's participant is read; devices read
// their own. `action` stands in the evidence: "signal.read".
//   PERMISSION_DENIED  DATA_KIND_NOT_GRANTED, naming the kind
class DataAccess {
 public:
  // `catalog` outlives this.
  DataAccess(store::StreamCatalog* catalog, Context context)
      : catalog_(catalog), context_(std::move(context)) {}

  // A stream that was never declared has nothing to read, and is left to the read itself.
  absl::Status Check(const Call& call, std::span<const StreamId> streams,
                     const std::string& action) const;

  // For bytes that were set aside. Where the stream they name was never declared they may be
  // anything: that takes every kind, and is evidence. A kind that the participant never consented
  // to is denied as one that is not granted.
  absl::Status CheckSetAside(const Call& call, StreamId stream, const std::string& action) const;

 private:
  using Kinds = std::map<StreamId, rpc::DataKindSet>;

  // Of those that were declared.
  absl::StatusOr<Kinds> KindsOf(const Call& call, std::span<const StreamId> streams) const;
  absl::Status CheckConsent(const Call& call, rpc::DataKindSet kinds) const;
  absl::Status Admit(const Call& call, const Kinds& kinds, const std::string& action) const;
  absl::Status Record(const Call& call, StreamId stream, rpc::DataKindSet kinds,
                      const std::string& action) const;

  store::StreamCatalog* const catalog_;
  const Context context_;
};

}  // namespace tidemark::study
