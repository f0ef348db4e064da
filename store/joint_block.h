// Samples of many chunks in one block: what makes sealed segments small.
//
// Chunks keep their places and their stamps, so that each comes back bit for bit by itself.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/signal/samples.h"

namespace tidemark::store {

// Samples of all chunks of one joint block; a lone chunk may have as many.
inline constexpr size_t kJointSamplesMax = 65'536;

struct JoinedSamples {
  std::vector<std::string> slots;  // of SlotForm::kJoint, one for each block
  std::string joint;
};
// At least one block, with kJointSamplesMax samples together; all of `channels`. In the dense code.
JoinedSamples JoinSamples(std::span<const signal::SampleType> channels,
                          std::span<const signal::Block> blocks);

// An opened joint block. Immutable.
class JointBlock {
 public:
  // DATA_LOSS
  static absl::StatusOr<JointBlock> Decode(std::string_view joint);

  const std::vector<signal::SampleType>& channels() const { return channels_; }
  // The chunk whose slot holds `slot`; valid as long as this. DATA_LOSS if it is no part of this.
  absl::StatusOr<const signal::Block*> Find(std::string_view slot) const;

 private:
  std::vector<signal::SampleType> channels_;
  std::vector<signal::Block> blocks_;
};

}  // namespace tidemark::store
