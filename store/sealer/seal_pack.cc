#include "store/sealer/seal_pack.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "core/signal/tile_rows.h"
#include "store/joint_block.h"

namespace tidemark::sealer {
namespace {

using store::SegmentSlot;
using store::SlotForm;

// Where chunks end that go together.
struct Piece {
  size_t begin = 0;
  size_t end = 0;
};

// Pieces that span no more device time than a run may. A chunk spans less.
std::vector<Piece> CutBySpan(std::span<const SourceChunk> chunks) {
  std::vector<Piece> pieces;
  int64_t t_min_ns = 0;
  int64_t t_max_ns = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const store::ChunkRow& row = chunks[i].row;
    const int64_t low_ns = std::min(t_min_ns, row.t_min_ns);
    const int64_t high_ns = std::max(t_max_ns, row.t_max_ns);
    const bool fits =
        !pieces.empty() && static_cast<uint64_t>(high_ns) - static_cast<uint64_t>(low_ns) <=
                               static_cast<uint64_t>(store::kRunSpanNsMax);
    if (!fits) pieces.push_back({i, i});
    t_min_ns = fits ? low_ns : row.t_min_ns;
    t_max_ns = fits ? high_ns : row.t_max_ns;
    pieces.back().end = i + 1;
  }
  return pieces;
}

// Segments of about the same size.
std::vector<Piece> CutBySize(std::span<const SourceChunk> chunks, const Piece& run,
                             size_t sample_bytes) {
  size_t total = 0;
  for (size_t i = run.begin; i < run.end; ++i) total += chunks[i].source_bytes;
  const size_t count = std::max<size_t>((total + kSegmentSourceBytes / 2) / kSegmentSourceBytes, 1);
  const size_t most = total / count + 1;
  std::vector<Piece> pieces;
  size_t bytes = 0, samples = 0;
  for (size_t i = run.begin; i < run.end; ++i) {
    const size_t own_samples = chunks[i].block ? chunks[i].block->count() : 0;
    const bool fits = !pieces.empty() && bytes + chunks[i].source_bytes / 2 <= most &&
                      samples + own_samples <= store::kJointSamplesMax &&
                      (samples + own_samples) * sample_bytes <= kJointBytesMax &&
                      i - pieces.back().begin < kSegmentSlotsMax;
    if (!fits) {
      pieces.push_back({i, i});
      bytes = samples = 0;
    }
    bytes += chunks[i].source_bytes;
    samples += own_samples;
    pieces.back().end = i + 1;
  }
  return pieces;
}

// Coded samples, in whatever form.
bool IsCoded(const SegmentSlot& slot) {
  return slot.form == SlotForm::kBlock || slot.form == SlotForm::kJoint;
}

// What was packed says what was given, slot for slot.
absl::Status CheckPacked(const PackedSegment& segment, std::span<const SegmentSlot> slots,
                         std::span<const SourceChunk> chunks, const store::JointBlock* joint) {
  const auto wrong = [] { return absl::InternalError("a segment was packed wrongly"); };
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto found = store::FindSlot(segment.packed, static_cast<int>(i));
    if (slots[i].form == SlotForm::kErased) {
      if (!absl::IsNotFound(found.status())) return wrong();
      continue;
    }
    if (!found.ok() || found->form != slots[i].form) return wrong();
    if (slots[i].form != SlotForm::kJoint) {
      if (found->bytes != slots[i].bytes) return wrong();
      continue;
    }
    if (joint == nullptr) return wrong();
    TM_ASSIGN_OR_RETURN(const signal::Block* const block, joint->Find(found->bytes));
    const signal::Block& given = *chunks[segment.chunks[i]].block;
    if (block->stamps != given.stamps || block->values != given.values) return wrong();
  }
  return absl::OkStatus();
}

class Packer {
 public:
  Packer(const StreamShape& shape, std::span<const SourceChunk> chunks, signal::Effort effort)
      : shape_(shape), chunks_(chunks), effort_(effort) {}

  absl::StatusOr<PackedRun> Run(const Piece& piece) const {
    PackedRun run;
    Summarize(piece, run);
    for (const Piece& part : CutBySize(chunks_, piece, signal::BytesOf(shape_.channels))) {
      TM_ASSIGN_OR_RETURN(PackedSegment segment, Segment(part));
      run.segments.push_back(std::move(segment));
    }
    if (!shape_.channels.empty()) AddTiles(piece, run);
    return run;
  }

 private:
  void Summarize(const Piece& piece, PackedRun& run) const {
    run.first_number = chunks_[piece.begin].row.number;
    run.last_number = chunks_[piece.end - 1].row.number;
    run.chunks = static_cast<int32_t>(piece.end - piece.begin);
    run.t_min_ns = chunks_[piece.begin].row.t_min_ns;
    run.t_max_ns = chunks_[piece.begin].row.t_max_ns;
    for (size_t i = piece.begin; i < piece.end; ++i) {
      const store::ChunkRow& row = chunks_[i].row;
      run.t_min_ns = std::min(run.t_min_ns, row.t_min_ns);
      run.t_max_ns = std::max(run.t_max_ns, row.t_max_ns);
      if (row.is_erased()) continue;
      run.samples += row.sample_count;
      run.covered_ns += row.t_max_ns - row.t_min_ns;
    }
  }

  absl::StatusOr<PackedSegment> Segment(const Piece& piece) const {
    PackedSegment segment;
    std::vector<SegmentSlot> slots;
    for (size_t i = piece.begin; i < piece.end; ++i) {
      slots.push_back(chunks_[i].slot);
      segment.chunks.push_back(i);
    }
    if (effort_ == signal::Effort::kDense) return Dense(std::move(segment), std::move(slots));
    for (size_t i = 0; i < slots.size(); ++i) {
      // A part of a dense block, which is merged with what came in a hurry.
      if (slots[i].form != SlotForm::kJoint) continue;
      const signal::Block& block = *chunks_[segment.chunks[i]].block;
      slots[i] = {SlotForm::kBlock,
                  signal::EncodeBlock(shape_.channels, block.stamps, block.values)};
    }
    segment.packed = store::PackSegment(slots);
    TM_RETURN_IF_ERROR(CheckPacked(segment, slots, chunks_, nullptr));
    return segment;
  }

  absl::StatusOr<PackedSegment> Dense(PackedSegment segment, std::vector<SegmentSlot> slots) const {
    std::vector<signal::Block> blocks;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (IsCoded(slots[i])) blocks.push_back(*chunks_[segment.chunks[i]].block);
    }
    if (blocks.empty()) {
      segment.packed = store::PackSegment(slots);
      TM_RETURN_IF_ERROR(CheckPacked(segment, slots, chunks_, nullptr));
      return segment;
    }
    store::JoinedSamples joined = store::JoinSamples(shape_.channels, blocks);
    auto next = joined.slots.begin();
    for (SegmentSlot& slot : slots) {
      if (IsCoded(slot)) slot = {SlotForm::kJoint, std::move(*next++)};
    }
    segment.packed = store::PackSegment(slots, joined.joint);
    const absl::StatusOr<store::JointBlock> joint = store::JointBlock::Decode(joined.joint);
    if (!joint.ok()) return absl::InternalError("a joint block was coded wrongly");
    TM_RETURN_IF_ERROR(CheckPacked(segment, slots, chunks_, &*joint));
    return segment;
  }

  void AddTiles(const Piece& piece, PackedRun& run) const {
    signal::TileCollector collector(shape_.channels, shape_.gap_ns);
    for (size_t i = piece.begin; i < piece.end; ++i) {
      const SourceChunk& chunk = chunks_[i];
      if (chunk.block) collector.Add(*chunk.block, chunk.row.t_min_ns, chunk.row.t_max_ns);
    }
    signal::TileColumns tiles = std::move(collector).Finish();
    if (tiles.size() == 0 || tiles.size() > signal::kTileBucketsMax) return;
    while (true) {
      run.tiles.push_back(signal::EncodeTiles(shape_.channels, tiles, effort_));
      if (tiles.size() <= kTileBucketsMin || run.tiles.size() == signal::kTileLevelsMax) return;
      signal::TileColumns coarser = signal::CoarserTiles(tiles, shape_.gap_ns);
      if (coarser.size() > tiles.size() / 4 * 3) return;
      tiles = std::move(coarser);
    }
  }

  const StreamShape& shape_;
  const std::span<const SourceChunk> chunks_;
  const signal::Effort effort_;
};

}  // namespace

absl::StatusOr<std::vector<PackedRun>> PackRuns(const StreamShape& shape,
                                                std::span<const SourceChunk> chunks,
                                                signal::Effort effort) {
  std::vector<PackedRun> runs;
  const Packer packer(shape, chunks, effort);
  for (const Piece& piece : CutBySpan(chunks)) {
    TM_ASSIGN_OR_RETURN(PackedRun run, packer.Run(piece));
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace tidemark::sealer
