#include "study/signal/sample_messages.h"

#include "study/signal/signal_codec.h"

namespace tidemark::study {

void SampleMessages::AddPlacement(const store::Placement* placement) {
  if (placement == nullptr) return;
  if (!clocks_.insert({placement->boot_id, placement->clock_id}).second) return;
  EncodePlacement(*placement, Push().mutable_placement());
}

void SampleMessages::Add(const store::ReadBlock& block) {
  if (streams_.insert({block.chunk.stream_id, block.chunk.stream_version}).second) {
    EncodeStream(block.stream, Push().mutable_stream());
  }
  AddPlacement(block.placement);
  EncodeBlock(block, Push().mutable_block());
  added_bytes_ += messages_.back().ByteSizeLong();
}

void SampleMessages::Add(const store::UnreadablePiece& piece) {
  AddPlacement(piece.placement);
  EncodeUnreadable(piece.chunks, Push().mutable_unreadable());
  added_bytes_ += messages_.back().ByteSizeLong();
}

}  // namespace tidemark::study
