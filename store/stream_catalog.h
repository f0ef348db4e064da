// Declared streams, cached: what admission and readers ask for on every chunk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/pool.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "store/stream_info.h"

namespace tidemark::store {

// Thread-safe. Versions never change once declared, so that what is found is cached for good (up to
// a bound); what is not found is asked again every time, because a declaration may just have come.
class StreamCatalog {
 public:
  // `pool` connects as tm_ingest or tm_read and outlives this.
  explicit StreamCatalog(db::Pool* pool);
  ~StreamCatalog();

  //   NOT_FOUND  this participant has no such stream, or not that version
  // `stream_known` tells the two apart when it is given.
  absl::StatusOr<std::shared_ptr<const StreamInfo>> Find(ParticipantId participant, StreamId stream,
                                                         int32_t version, absl::Time deadline,
                                                         bool* stream_known = nullptr);
  // The cached answer or null, without touching the database.
  std::shared_ptr<const StreamInfo> FindCached(ParticipantId participant, StreamId stream,
                                               int32_t version) const;
  // Newest version of every stream of a participant, by stream id.
  absl::StatusOr<std::vector<std::shared_ptr<const StreamInfo>>> List(ParticipantId participant,
                                                                      absl::Time deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// From a stored declaration (serialized tidemark.v1.StreamDeclaration) to the fields that code
// needs. INVALID_ARGUMENT names the field and rule that is broken (same rules as DeclareStream).
absl::Status DecodeDeclaration(std::string_view declaration, StreamInfo& info);

}  // namespace tidemark::store
