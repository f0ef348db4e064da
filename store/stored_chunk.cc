#include "store/stored_chunk.h"

#include "base/status_macros.h"
#include "core/signal/codec.h"
#include "store/segment.h"

namespace tidemark::store {

absl::StatusOr<signal::Block> LoadSamples(const StreamInfo& stream, const ChunkRow& row,
                                          std::string_view packed) {
  const std::vector<signal::SampleType> types = stream.channel_types();
  TM_ASSIGN_OR_RETURN(const SegmentSlotView slot, FindSlot(packed, row.segment_slot));
  signal::Block block;
  if (slot.form == SlotForm::kBlock) {
    TM_ASSIGN_OR_RETURN(block, signal::DecodeBlock(types, slot.bytes, kSamplesPerChunkMax));
  } else {
    TM_ASSIGN_OR_RETURN(const std::string body, DecompressBody(slot.bytes, kBodyBytesMax));
    TM_ASSIGN_OR_RETURN(block, SamplesOfBody(body, types));
  }
  if (block.count() == 0 || block.count() != static_cast<size_t>(row.sample_count)) {
    return absl::DataLossError("a stored chunk has another number of samples than its row says");
  }
  return block;
}

absl::StatusOr<EncodedSegment> LoadEncoded(const ChunkRow& row, std::string_view packed) {
  TM_ASSIGN_OR_RETURN(const SegmentSlotView slot, FindSlot(packed, row.segment_slot));
  if (slot.form != SlotForm::kBody) {
    return absl::DataLossError("a stored encoded segment has an unknown form");
  }
  TM_ASSIGN_OR_RETURN(const std::string body, DecompressBody(slot.bytes, kBodyBytesMax));
  return EncodedOfBody(body);
}

absl::StatusOr<std::string> LoadBody(const StreamInfo& stream, const ChunkRow& row,
                                     std::string_view packed) {
  TM_ASSIGN_OR_RETURN(const SegmentSlotView slot, FindSlot(packed, row.segment_slot));
  if (slot.form == SlotForm::kBody) return DecompressBody(slot.bytes, kBodyBytesMax);
  TM_ASSIGN_OR_RETURN(const signal::Block block, LoadSamples(stream, row, packed));
  return RebuildBody(row, block);
}

}  // namespace tidemark::store
