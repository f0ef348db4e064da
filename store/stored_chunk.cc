#include "store/stored_chunk.h"

#include "base/status_macros.h"
#include "core/signal/codec.h"
#include "store/segment.h"

namespace tidemark::store {
namespace {

absl::StatusOr<signal::Block> LoadSlot(const std::vector<signal::SampleType>& types,
                                       const SegmentSlotView& slot, const OpenedSegment& segment) {
  switch (slot.form) {
    case SlotForm::kBlock:
      return signal::DecodeBlock(types, slot.bytes, kSamplesPerChunkMax);
    case SlotForm::kJoint: {
      TM_ASSIGN_OR_RETURN(const JointBlock* const joint, segment.Joint());
      if (joint->channels() != types) {
        return absl::DataLossError("a joint block has other channels than its stream");
      }
      TM_ASSIGN_OR_RETURN(const signal::Block* const block, joint->Find(slot.bytes));
      return *block;
    }
    default: {
      TM_ASSIGN_OR_RETURN(const std::string body, DecompressBody(slot.bytes, kBodyBytesMax));
      return SamplesOfBody(body, types);
    }
  }
}

}  // namespace

absl::StatusOr<const JointBlock*> OpenedSegment::Joint() const {
  if (!joint_) {
    TM_ASSIGN_OR_RETURN(const std::string_view joint, FindJoint(packed_));
    joint_.emplace(JointBlock::Decode(joint));
  }
  TM_RETURN_IF_ERROR(joint_->status());
  return &**joint_;
}

absl::StatusOr<signal::Block> LoadSamples(const StreamInfo& stream, const ChunkRow& row,
                                          const OpenedSegment& segment) {
  TM_ASSIGN_OR_RETURN(const SegmentSlotView slot, FindSlot(segment.packed(), row.segment_slot));
  TM_ASSIGN_OR_RETURN(signal::Block block, LoadSlot(stream.channel_types(), slot, segment));
  if (block.count() == 0 || block.count() != static_cast<size_t>(row.sample_count)) {
    return absl::DataLossError("a stored chunk has another number of samples than its row says");
  }
  return block;
}

absl::StatusOr<EncodedSegment> LoadEncoded(const ChunkRow& row, const OpenedSegment& segment) {
  TM_ASSIGN_OR_RETURN(const SegmentSlotView slot, FindSlot(segment.packed(), row.segment_slot));
  if (slot.form != SlotForm::kBody) {
    return absl::DataLossError("a stored encoded segment has an unknown form");
  }
  TM_ASSIGN_OR_RETURN(const std::string body, DecompressBody(slot.bytes, kBodyBytesMax));
  return EncodedOfBody(body);
}

absl::StatusOr<std::string> LoadBody(const StreamInfo& stream, const ChunkRow& row,
                                     const OpenedSegment& segment) {
  TM_ASSIGN_OR_RETURN(const SegmentSlotView slot, FindSlot(segment.packed(), row.segment_slot));
  if (slot.form == SlotForm::kBody) return DecompressBody(slot.bytes, kBodyBytesMax);
  TM_ASSIGN_OR_RETURN(const signal::Block block, LoadSamples(stream, row, segment));
  return RebuildBody(row, block);
}

}  // namespace tidemark::store
