#include "store/joint_block.h"

#include <gtest/gtest.h>

#include <random>

#include "base/endian.h"
#include "store/segment.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using signal::Block;
using signal::SampleType;
using signal::Stamps;
using support::IsOk;
using support::StatusIs;

const std::vector<SampleType> kJointTypes = {SampleType::kInt16, SampleType::kFloat32,
                                             SampleType::kFloat64, SampleType::kInt32};

Block JointNoise(std::mt19937& random, size_t count, bool exact) {
  Block block;
  std::vector<int64_t> stamps(count);
  for (size_t i = 0; i < count; ++i)
    stamps[i] = static_cast<int64_t>(i * 10'000'000 + random() % 9);
  const auto first = static_cast<int64_t>(random());
  block.stamps = exact ? Stamps::Exact(stamps)
                       : *Stamps::Regular(first, count == 1 ? first : first + 123'456'789, count);
  // Any bits, NaN payloads included.
  for (size_t i = 0; i < count * signal::BytesOf(kJointTypes); ++i) {
    block.values.push_back(static_cast<char>(random()));
  }
  return block;
}

void ExpectSame(const Block& got, const Block& sent) {
  EXPECT_EQ(got.stamps, sent.stamps);
  EXPECT_EQ(got.values, sent.values);
}

TEST(JointBlock, EveryChunkComesBackBitForBit) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    std::vector<Block> blocks;
    for (size_t i = 0; i < 1 + random() % 9; ++i) {
      const bool exact = round % 3 == 0 || (round % 3 == 1 && random() % 2 == 0);
      blocks.push_back(JointNoise(random, 1 + random() % 300, exact));
    }
    const JoinedSamples joined = JoinSamples(kJointTypes, blocks);
    TM_ASSERT_OK_AND_ASSIGN(const JointBlock opened, JointBlock::Decode(joined.joint));
    EXPECT_EQ(opened.channels(), kJointTypes);
    ASSERT_EQ(joined.slots.size(), blocks.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      TM_ASSERT_OK_AND_ASSIGN(const Block* const found, opened.Find(joined.slots[i]));
      ExpectSame(*found, blocks[i]);
    }
  }
}

TEST(JointBlock, SlotsThatAreNoPartOfItAreDamage) {
  std::mt19937 random(4);
  const std::vector<Block> blocks = {JointNoise(random, 50, true), JointNoise(random, 70, false)};
  const JoinedSamples joined = JoinSamples(kJointTypes, blocks);
  TM_ASSERT_OK_AND_ASSIGN(const JointBlock opened, JointBlock::Decode(joined.joint));
  for (const std::string& slot : {std::string(), joined.slots[1] + "x", std::string("\x02"),
                                  std::string("\x7F"), std::string("\x80\x00", 2)}) {
    EXPECT_THAT(opened.Find(slot), StatusIs(StatusCode::kDataLoss));
  }
  std::string damaged = joined.joint;
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_THAT(JointBlock::Decode(damaged), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(JointBlock::Decode(""), StatusIs(StatusCode::kDataLoss));
}

// What an erasure of a range does to a sealed segment.
TEST(JointBlock, WhatIsNotKeptOfASegmentIsGoneFromIt) {
  std::mt19937 random(5);
  std::vector<Block> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(JointNoise(random, 40, false));
  const JoinedSamples joined = JoinSamples(kJointTypes, blocks);
  std::vector<SegmentSlot> slots;
  for (const std::string& slot : joined.slots) slots.push_back({SlotForm::kJoint, slot});
  slots.insert(slots.begin() + 1, {SlotForm::kBody, "a body"});
  const std::string packed = PackSegment(slots, joined.joint);

  TM_ASSERT_OK_AND_ASSIGN(const std::string kept,
                          KeepSlots(packed, {true, true, false, true, false}));
  EXPECT_LT(kept.size(), packed.size() * 3 / 4);
  TM_ASSERT_OK_AND_ASSIGN(const std::string_view joint, FindJoint(kept));
  TM_ASSERT_OK_AND_ASSIGN(const JointBlock opened, JointBlock::Decode(joint));
  for (const auto& [slot, block] : {std::pair(0, 0), {3, 2}}) {
    TM_ASSERT_OK_AND_ASSIGN(const SegmentSlotView view, FindSlot(kept, slot));
    EXPECT_EQ(view.form, SlotForm::kJoint);
    TM_ASSERT_OK_AND_ASSIGN(const Block* const found, opened.Find(view.bytes));
    ExpectSame(*found, blocks[static_cast<size_t>(block)]);
  }
  TM_ASSERT_OK_AND_ASSIGN(const SegmentSlotView body, FindSlot(kept, 1));
  EXPECT_EQ(body.bytes, "a body");
  for (const int slot : {2, 4}) {
    EXPECT_THAT(FindSlot(kept, slot), StatusIs(StatusCode::kNotFound));
  }

  TM_ASSERT_OK_AND_ASSIGN(const std::string body_only,
                          KeepSlots(packed, {false, true, false, false, false}));
  TM_ASSERT_OK_AND_ASSIGN(const std::string_view no_joint, FindJoint(body_only));
  EXPECT_TRUE(no_joint.empty());
  EXPECT_THAT(FindSlot(body_only, 1), IsOk());
}

}  // namespace
}  // namespace tidemark::store
