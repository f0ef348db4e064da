// A part of a segment row after its envelope was opened.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "store/joint_block.h"

namespace tidemark::store {

// Keeps what was decoded of it: chunks of one joint block are mostly read one after the other. One
// thread.
class OpenedSegment {
 public:
  explicit OpenedSegment(std::string packed) : packed_(std::move(packed)) {}

  // As store/segment.h reads it; empty for a segment without this part.
  std::string_view packed() const { return packed_; }

  // Decoded at the first call. DATA_LOSS
  absl::StatusOr<const JointBlock*> Joint() const;

 private:
  std::string packed_;
  mutable std::optional<absl::StatusOr<JointBlock>> joint_;
};

}  // namespace tidemark::store
