#include "store/sealer/seal_pack.h"

#include <gtest/gtest.h>

#include <random>

#include "base/endian.h"
#include "core/signal/tile_rows.h"
#include "store/opened_segment.h"
#include "tests/support/status_matchers.h"

namespace tidemark::sealer {
namespace {

using signal::SampleType;
using store::SlotForm;
using support::StatusIs;

constexpr int64_t kPackPeriodNs = 10'000'000;

SourceChunk NoiseChunk(std::mt19937& random, int64_t number, size_t samples) {
  SourceChunk chunk;
  chunk.row.number = number;
  chunk.row.sample_count = static_cast<int32_t>(samples);
  chunk.row.t_min_ns = number * static_cast<int64_t>(samples) * kPackPeriodNs;
  chunk.row.t_max_ns = chunk.row.t_min_ns + static_cast<int64_t>(samples - 1) * kPackPeriodNs;
  chunk.slot.form = SlotForm::kJoint;
  signal::Block block;
  block.stamps = *signal::Stamps::Regular(chunk.row.t_min_ns, chunk.row.t_max_ns, samples);
  for (size_t i = 0; i < 3 * samples; ++i) {
    AppendLe(block.values, static_cast<int16_t>(random() % 2'000));
  }
  chunk.source_bytes = block.values.size() * 3 / 4;
  chunk.block = std::move(block);
  return chunk;
}

const StreamShape kPackShape{{SampleType::kInt16, SampleType::kInt16, SampleType::kInt16},
                             35'000'000};

TEST(SealPack, SegmentsAreOfAboutTheSameGoodSizeAndHoldEveryChunkOnce) {
  std::mt19937 random(1);
  std::vector<SourceChunk> chunks;
  for (int64_t number = 0; number < 200; ++number)
    chunks.push_back(NoiseChunk(random, number, 600));
  TM_ASSERT_OK_AND_ASSIGN(const std::vector<PackedRun> runs, PackRuns(kPackShape, chunks));
  ASSERT_EQ(runs.size(), 1u);
  size_t next = 0;
  for (const PackedSegment& segment : runs[0].segments) {
    EXPECT_GT(segment.packed.size(), size_t{24} << 10);
    EXPECT_LT(segment.packed.size(), size_t{96} << 10);
    const store::OpenedSegment opened(segment.packed);
    TM_ASSERT_OK_AND_ASSIGN(const store::JointBlock* const joint, opened.Joint());
    for (size_t slot = 0; slot < segment.chunks.size(); ++slot) {
      EXPECT_EQ(segment.chunks[slot], next++);
      TM_ASSERT_OK_AND_ASSIGN(const store::SegmentSlotView view,
                              store::FindSlot(segment.packed, static_cast<int>(slot)));
      TM_ASSERT_OK_AND_ASSIGN(const signal::Block* const block, joint->Find(view.bytes));
      EXPECT_EQ(block->values, chunks[next - 1].block->values);
      EXPECT_EQ(block->stamps, chunks[next - 1].block->stamps);
    }
  }
  EXPECT_EQ(next, chunks.size());
  EXPECT_EQ(runs[0].samples, 120'000);
  ASSERT_EQ(runs[0].tiles.size(), 5u);  // 1,875, 469, 118, 30 and 8 buckets
  TM_ASSERT_OK_AND_ASSIGN(const signal::TileColumns coarsest,
                          signal::DecodeTiles(kPackShape.channels, runs[0].tiles[4]));
  EXPECT_EQ(coarsest.size(), 8u);
}

TEST(SealPack, ErasedChunksAndWholeBodiesKeepTheirPlaces) {
  std::mt19937 random(2);
  std::vector<SourceChunk> chunks;
  for (int64_t number = 0; number < 6; ++number) chunks.push_back(NoiseChunk(random, number, 100));
  chunks[1].slot.form = SlotForm::kErased;
  chunks[1].block.reset();
  chunks[1].row.flags = store::kFlagErased;
  chunks[3].slot = {SlotForm::kBody, "as it was sent"};
  TM_ASSERT_OK_AND_ASSIGN(const std::vector<PackedRun> runs, PackRuns(kPackShape, chunks));
  ASSERT_EQ(runs.size(), 1u);
  ASSERT_EQ(runs[0].segments.size(), 1u);
  EXPECT_EQ(runs[0].chunks, 6);
  EXPECT_EQ(runs[0].samples, 500);
  const std::string& packed = runs[0].segments[0].packed;
  EXPECT_THAT(store::FindSlot(packed, 1), StatusIs(absl::StatusCode::kNotFound));
  TM_ASSERT_OK_AND_ASSIGN(const store::SegmentSlotView body, store::FindSlot(packed, 3));
  EXPECT_EQ(body.form, SlotForm::kBody);
  EXPECT_EQ(body.bytes, "as it was sent");
  // Samples of bodies that were stored whole are in the tiles, those of erased ones are not.
  TM_ASSERT_OK_AND_ASSIGN(const signal::TileColumns tiles,
                          signal::DecodeTiles(kPackShape.channels, runs[0].tiles[0]));
  int64_t samples = 0;
  for (const uint32_t each : tiles.samples) samples += each;
  EXPECT_EQ(samples, 500);
}

TEST(SealPack, InAHurryBlocksAreTakenOverAsTheyLieThere) {
  std::mt19937 random(7);
  std::vector<SourceChunk> chunks;
  for (int64_t number = 0; number < 5; ++number) {
    chunks.push_back(NoiseChunk(random, number, 100));
    const signal::Block& block = *chunks.back().block;
    if (number == 2) continue;  // of a dense block
    chunks.back().slot = {SlotForm::kBlock,
                          signal::EncodeBlock(kPackShape.channels, block.stamps, block.values)};
  }
  TM_ASSERT_OK_AND_ASSIGN(const std::vector<PackedRun> runs,
                          PackRuns(kPackShape, chunks, signal::Effort::kLive));
  for (int slot = 0; slot < 5; ++slot) {
    const signal::Block& block = *chunks[static_cast<size_t>(slot)].block;
    TM_ASSERT_OK_AND_ASSIGN(const store::SegmentSlotView view,
                            store::FindSlot(runs.at(0).segments.at(0).packed, slot));
    EXPECT_EQ(view.form, SlotForm::kBlock);
    EXPECT_EQ(view.bytes, signal::EncodeBlock(kPackShape.channels, block.stamps, block.values));
  }
  EXPECT_FALSE(runs[0].tiles.empty());
}

TEST(SealPack, NoRunSpansMoreThanADay) {
  std::mt19937 random(3);
  std::vector<SourceChunk> chunks;
  for (int64_t number = 0; number < 100; ++number) {
    chunks.push_back(NoiseChunk(random, number, 10));
    const int64_t shift_ns = number * 3'600'000'000'000;
    store::ChunkRow& row = chunks.back().row;
    row.t_min_ns += shift_ns;
    row.t_max_ns += shift_ns;
    chunks.back().block->stamps = *signal::Stamps::Regular(row.t_min_ns, row.t_max_ns, 10);
  }
  TM_ASSERT_OK_AND_ASSIGN(const std::vector<PackedRun> runs, PackRuns(kPackShape, chunks));
  EXPECT_EQ(runs.size(), 5u);
  int64_t next = 0;
  for (const PackedRun& run : runs) {
    EXPECT_LE(run.t_max_ns - run.t_min_ns, store::kRunSpanNsMax);
    EXPECT_EQ(run.first_number, next);
    next = run.last_number + 1;
  }
  EXPECT_EQ(next, 100);
}

TEST(SealPack, ChunksWithoutSamplesAreKeptAsTheyAre) {
  std::vector<SourceChunk> chunks(40);
  for (size_t i = 0; i < chunks.size(); ++i) {
    chunks[i].row.number = static_cast<int64_t>(i);
    chunks[i].row.kind = store::PayloadKind::kEncoded;
    chunks[i].slot = {SlotForm::kBody, std::string(9'000, static_cast<char>(i))};
    chunks[i].source_bytes = 9'000;
  }
  TM_ASSERT_OK_AND_ASSIGN(const std::vector<PackedRun> runs, PackRuns({}, chunks));
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_TRUE(runs[0].tiles.empty());
  EXPECT_EQ(runs[0].segments.size(), 4u);
}

}  // namespace
}  // namespace tidemark::sealer
