// What the server has of each outbox, and numbers that will never come.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "store/placement.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::ingest {

// Thread-safe. `context.pool` connects as tm_app with the statements of ingest/sql.h and
// study/sql.h. Statuses as IngestService documents them.
class UploadStates {
 public:
  // `restore_generation` answers from memory: it grows while the server runs.
  UploadStates(const study::Context& context, store::PlacementSource* placements,
               std::function<uint64_t()> restore_generation)
      : context_(context),
        placements_(placements),
        restore_generation_(std::move(restore_generation)) {}

  // A calling device sees its own outboxes only.
  absl::StatusOr<v1::GetUploadStateResponse> Get(const study::Call& call,
                                                 const v1::GetUploadStateRequest& request) const;

  // NOT_FOUND unless the stream, or the outbox, is the calling device's.
  absl::StatusOr<v1::AbandonRangeResponse> Abandon(const study::Call& call,
                                                   const v1::AbandonRangeRequest& request) const;

 private:
  const study::Context context_;
  store::PlacementSource* const placements_;  // may be null
  const std::function<uint64_t()> restore_generation_;
};

}  // namespace tidemark::ingest
