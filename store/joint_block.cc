#include "store/joint_block.h"

#include <cassert>

#include "base/endian.h"
#include "base/status_macros.h"
#include "core/signal/codec.h"
#include "core/signal/varint.h"
#include "store/stream_codec.h"

namespace tidemark::store {
namespace {

using signal::Block;
using signal::SampleType;

// Joint: format (1) ‖ channels (1) ‖ their types ‖ signal::EncodeBlocks
// Slot:  varint place among these blocks
constexpr uint8_t kJointFormat = 1;

absl::Status DamagedJoint() { return absl::DataLossError("a joint block is damaged"); }

bool IsSampleType(uint8_t type) {
  return type >= static_cast<uint8_t>(SampleType::kInt16) &&
         type <= static_cast<uint8_t>(SampleType::kFloat64);
}

}  // namespace

JoinedSamples JoinSamples(std::span<const SampleType> channels, std::span<const Block> blocks) {
  assert(!blocks.empty());
  JoinedSamples joined;
  std::vector<signal::BlockView> views;
  for (const Block& block : blocks) {
    std::string slot;
    signal::AppendVarint(slot, views.size());
    joined.slots.push_back(std::move(slot));
    views.push_back({&block.stamps, block.values});
  }
  AppendLe(joined.joint, kJointFormat);
  AppendLe(joined.joint, static_cast<uint8_t>(channels.size()));
  for (const SampleType type : channels) AppendLe(joined.joint, static_cast<uint8_t>(type));
  joined.joint += signal::EncodeBlocks(channels, views);
  return joined;
}

absl::StatusOr<JointBlock> JointBlock::Decode(std::string_view joint) {
  ByteReader from(joint);
  if (from.Read<uint8_t>() != kJointFormat) return DamagedJoint();
  const size_t channels = from.Read<uint8_t>();
  if (!from.ok() || channels > kChannelsMax) return DamagedJoint();
  JointBlock opened;
  for (size_t i = 0; i < channels; ++i) {
    const auto type = from.Read<uint8_t>();
    if (!IsSampleType(type)) return DamagedJoint();
    opened.channels_.push_back(static_cast<SampleType>(type));
  }
  TM_ASSIGN_OR_RETURN(opened.blocks_,
                      signal::DecodeBlocks(opened.channels_, from.rest(), kJointSamplesMax));
  return opened;
}

absl::StatusOr<const Block*> JointBlock::Find(std::string_view slot) const {
  ByteReader from(slot);
  const auto place = signal::ReadVarint(from, blocks_.size());
  if (!place || !from.done() || *place == blocks_.size()) return DamagedJoint();
  return &blocks_[*place];
}

}  // namespace tidemark::store
