#include "store/sealer/seal_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tidemark::sealer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const absl::Time kPlanNow = absl::FromUnixSeconds(1'800'000'000);
const SealPatience kPlanPatience;

class SealPlanTest : public testing::Test {
 protected:
  // 128 chunks of 1,024 samples make a run.
  StoredChunkRow& Add(int64_t number, absl::Duration age = absl::ZeroDuration()) {
    StoredChunkRow chunk;
    chunk.row.writer_id = writer_;
    chunk.row.boot_id = boot_;
    chunk.row.number = number;
    chunk.row.sample_count = 1'024;
    chunk.row.body_bytes = 6'200;
    chunk.row.stream_version = 1;
    chunk.row.arrived_at_us = absl::ToUnixMicros(kPlanNow - age);
    chunk.key_name = "day1key1";
    live_.push_back(chunk);
    return live_.back();
  }
  void AddRange(int64_t begin, int64_t end, absl::Duration age = absl::ZeroDuration()) {
    for (int64_t number = begin; number < end; ++number) Add(number, age);
  }
  OpenRun& AddRun(int64_t first, int64_t last, int32_t chunks) {
    open_.push_back({store::RunId::MakeRandom(), live_.front().group(), first, last, chunks, 7});
    return open_.back();
  }
  SealPlan Plan() { return PlanRuns(live_, open_, settled_, kPlanNow, kPlanPatience); }
  std::vector<int64_t> NumbersOf(const PlannedRun& run) const {
    std::vector<int64_t> numbers;
    for (const size_t place : run.live) numbers.push_back(live_[place].row.number);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  const WriterId writer_ = WriterId::MakeRandom();
  const BootId boot_ = BootId::MakeRandom();
  std::vector<StoredChunkRow> live_;
  std::vector<OpenRun> open_;
  SettledNumbers settled_;
};

TEST_F(SealPlanTest, ACellWhoseNumbersAllCameIsSealedForGood) {
  AddRange(0, 300);
  settled_.Add(writer_, 0, 300);
  const SealPlan plan = Plan();
  ASSERT_THAT(plan.runs, SizeIs(2));  // the third cell goes on
  for (const PlannedRun& run : plan.runs) {
    EXPECT_TRUE(run.closed);
    EXPECT_THAT(run.live, SizeIs(128));
  }
}

TEST_F(SealPlanTest, NumbersThatEndedOtherwiseLeaveNoHole) {
  AddRange(0, 100);
  AddRange(101, 128);
  settled_.Add(writer_, 101, 128);
  settled_.Add(writer_, 0, 100);
  EXPECT_THAT(Plan().runs, IsEmpty());
  settled_.Add(writer_, 100, 101);  // set aside, say
  ASSERT_THAT(Plan().runs, SizeIs(1));
  EXPECT_TRUE(Plan().runs[0].closed);
}

TEST_F(SealPlanTest, WhatIsNotSettledWaitsUntilItIsQuietOrHasWaitedLong) {
  AddRange(0, 50, absl::Minutes(4));
  settled_.Add(writer_, 0, 50);
  EXPECT_THAT(Plan().runs, IsEmpty());
  for (StoredChunkRow& chunk : live_) chunk.row.arrived_at_us -= 61'000'000;
  ASSERT_THAT(Plan().runs, SizeIs(1));
  EXPECT_FALSE(Plan().runs[0].closed);

  live_.clear();
  Add(3, absl::Minutes(31));
  Add(4, absl::ZeroDuration());
  EXPECT_THAT(Plan().runs, SizeIs(1));
}

TEST_F(SealPlanTest, TooMuchThatWaitsForNumbersIsSealedAsItIs) {
  // Every second number is missing.
  for (int64_t number = 0; number < 2 * 600; number += 2) Add(number);
  const SealPlan plan = Plan();
  size_t sealed = 0;
  for (const PlannedRun& run : plan.runs) {
    EXPECT_FALSE(run.closed);
    sealed += run.live.size();
  }
  EXPECT_GE(sealed, 344u);
  EXPECT_LE(600 - sealed, 256u);
}

TEST_F(SealPlanTest, GroupsNeverShareARun) {
  for (int64_t number = 0; number < 128; ++number) {
    StoredChunkRow& chunk = Add(number);
    if (number % 2 == 1) chunk.key_name = "day2key1";
    if (number % 3 == 1) chunk.row.boot_id = BootId();
    if (number % 5 == 1) chunk.row.clock_id = 7;
    if (number % 7 == 1) chunk.row.stream_version = 2;
  }
  settled_.Add(writer_, 0, 128);
  const SealPlan plan = Plan();
  EXPECT_THAT(plan.runs, SizeIs(16));
  size_t planned = 0;
  for (const PlannedRun& run : plan.runs) {
    planned += run.live.size();
    for (const size_t place : run.live) EXPECT_EQ(live_[place].group(), run.group);
  }
  EXPECT_EQ(planned, 128u);
}

TEST_F(SealPlanTest, SmallRunsAreMergedAndLargeOnesWaitUntilItIsWorthIt) {
  AddRange(0, 4, absl::Hours(1));
  const store::RunId small = AddRun(8, 20, 5).run_id;
  const store::RunId middle = AddRun(30, 60, 20).run_id;
  AddRun(61, 120, 117);
  const SealPlan plan = Plan();
  ASSERT_THAT(plan.runs, SizeIs(1));
  EXPECT_THAT(plan.runs[0].merged,
              ElementsAre(small, middle));  // 4 is worth 5, 9 is worth 20, 29 is not worth 117
}

TEST_F(SealPlanTest, AtFourRunsOrWhenItIsCompleteACellIsMergedWhole) {
  Add(0, absl::Hours(1));
  for (int64_t i = 0; i < 3; ++i) AddRun(10 * i + 1, 10 * i + 9, 100);
  EXPECT_THAT(Plan().runs.at(0).merged, IsEmpty());
  AddRun(40, 49, 100);
  EXPECT_THAT(Plan().runs.at(0).merged, SizeIs(4));
  open_.pop_back();
  settled_.Add(writer_, 0, 128);
  ASSERT_THAT(Plan().runs, SizeIs(1));
  EXPECT_THAT(Plan().runs[0].merged, SizeIs(3));
  EXPECT_TRUE(Plan().runs[0].closed);
}

TEST_F(SealPlanTest, AnOpenRunThatBecameCompleteIsOnlyClosed) {
  Add(128 * 5, absl::ZeroDuration());
  const store::RunId run = AddRun(0, 127, 100).run_id;
  settled_.Add(writer_, 0, 128);
  const SealPlan plan = Plan();
  EXPECT_THAT(plan.runs, IsEmpty());
  EXPECT_THAT(plan.finished, ElementsAre(run));
}

TEST_F(SealPlanTest, LargeBodiesMakeSmallCellsAndNoRunIsTooLarge) {
  for (int64_t number = 0; number < 64; ++number) {
    StoredChunkRow& chunk = Add(number);
    chunk.row.kind = store::PayloadKind::kEncoded;
    chunk.row.sample_count = 1;
    chunk.row.body_bytes = 1 << 20;
  }
  settled_.Add(writer_, 0, 64);
  EXPECT_THAT(Plan().runs, SizeIs(32));
  // A cell of an open run keeps its size, whatever comes into it.
  AddRun(0, 1, 1);
  const SealPlan plan = Plan();
  for (const PlannedRun& run : plan.runs) {
    EXPECT_LE(static_cast<int64_t>(run.live.size()) << 20, kRunBodyBytesMax);
  }
}

// Whatever arrives in whatever order: nothing is planned twice, few runs lie in a cell, each sample
// is written anew a few times, and in the end every cell is one closed run.
TEST_F(SealPlanTest, ABacklogInAnyOrderEndsAsOneRunPerCell) {
  std::mt19937 random(17);
  constexpr int64_t kNumbers = 128 * 40;
  for (const bool shuffled : {true, false}) {
    std::vector<int64_t> numbers(kNumbers);
    for (int64_t i = 0; i < kNumbers; ++i) numbers[static_cast<size_t>(i)] = kNumbers - 1 - i;
    if (shuffled) std::shuffle(numbers.begin(), numbers.end(), random);
    live_.clear();
    open_.clear();
    settled_ = {};
    std::map<store::RunId, int32_t> closed;
    int64_t written = 0;
    for (size_t at = 0; at < numbers.size(); at += 500) {
      for (size_t i = at; i < std::min(at + 500, numbers.size()); ++i) {
        Add(numbers[i]);
        settled_.Add(writer_, numbers[i], numbers[i] + 1);
      }
      const SealPlan plan = Plan();
      std::vector<bool> gone(live_.size());
      for (const PlannedRun& run : plan.runs) {
        OpenRun made{store::RunId::MakeRandom(),
                     run.group,
                     kNumbers,
                     0,
                     static_cast<int32_t>(run.live.size()),
                     run.cell_bits};
        for (const size_t place : run.live) {
          ASSERT_FALSE(gone[place]);
          gone[place] = true;
          made.first_number = std::min(made.first_number, live_[place].row.number);
        }
        for (const store::RunId id : run.merged) {
          const auto old = std::find_if(open_.begin(), open_.end(),
                                        [&](const OpenRun& each) { return each.run_id == id; });
          ASSERT_NE(old, open_.end());
          made.chunks += old->chunks;
          made.first_number = std::min(made.first_number, old->first_number);
          open_.erase(old);
        }
        written += made.chunks;
        if (run.closed) closed.emplace(made.run_id, made.chunks);
        if (!run.closed) open_.push_back(made);
      }
      for (const store::RunId id : plan.finished) {
        const auto old = std::find_if(open_.begin(), open_.end(),
                                      [&](const OpenRun& each) { return each.run_id == id; });
        closed.emplace(id, old->chunks);
        open_.erase(old);
      }
      std::map<int64_t, size_t> per_cell;
      for (const OpenRun& run : open_) EXPECT_LE(++per_cell[run.cell()], kRunsPerCellMax);
      for (size_t i = live_.size(); i-- > 0;) {
        if (gone[i]) live_.erase(live_.begin() + static_cast<ptrdiff_t>(i));
      }
      EXPECT_LE(static_cast<int64_t>(live_.size()), kPlanPatience.live_chunks_max);
    }
    EXPECT_THAT(live_, IsEmpty());
    EXPECT_THAT(open_, IsEmpty());
    EXPECT_THAT(closed, SizeIs(40));
    EXPECT_LE(written, (shuffled ? 5 : 1) * kNumbers);
  }
}

TEST(SettledNumbers, AreJoinedHoweverTheyCome) {
  std::mt19937 random(18);
  const WriterId writer = WriterId::MakeRandom();
  for (int round = 0; round < 200; ++round) {
    SettledNumbers settled;
    std::vector<bool> truth(64);
    for (int i = 0; i < 12; ++i) {
      const auto begin = static_cast<int64_t>(random() % 60);
      const auto end = std::min<int64_t>(begin + static_cast<int64_t>(random() % 9), 64);
      settled.Add(writer, begin, end);
      for (int64_t n = begin; n < end; ++n) truth[static_cast<size_t>(n)] = true;
    }
    for (int64_t begin = 0; begin < 64; ++begin) {
      bool all = true;
      for (int64_t end = begin + 1; end <= 64; ++end) {
        all = all && truth[static_cast<size_t>(end - 1)];
        ASSERT_EQ(settled.Covers(writer, begin, end), all);
      }
    }
    EXPECT_FALSE(settled.Covers(WriterId(), 0, 1));
  }
}

}  // namespace
}  // namespace tidemark::sealer
