#include "store/segment.h"

#include <random>

#include "base/crypto.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using support::IsOkAndHolds;
using support::StatusIs;

const std::vector<SegmentSlot> kSlots = {{SlotForm::kBlock, "first"},
                                         {SlotForm::kBody, ""},
                                         {SlotForm::kBlock, std::string(70'000, 'z')}};

TEST(Segment, FindsEverySlotAndNoOther) {
  const std::string packed = PackSegment(kSlots);
  for (size_t i = 0; i < kSlots.size(); ++i) {
    TM_ASSERT_OK_AND_ASSIGN(const SegmentSlotView slot, FindSlot(packed, static_cast<int>(i)));
    EXPECT_EQ(slot.form, kSlots[i].form);
    EXPECT_EQ(slot.bytes, kSlots[i].bytes);
  }
  EXPECT_THAT(FindSlot(packed, 3), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(FindSlot(packed, -1), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(FindSlot("", 0), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(FindTiles(packed, 0), StatusIs(StatusCode::kDataLoss));
}

TEST(Segment, FindsTilesOfEverySlot) {
  const std::vector<std::string> slots = {"abc", "", "de"};
  const std::string packed = PackTiles(slots);
  for (size_t i = 0; i < slots.size(); ++i) {
    EXPECT_THAT(FindTiles(packed, static_cast<int>(i)), IsOkAndHolds(slots[i]));
  }
  EXPECT_THAT(FindTiles(packed, 3), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(FindSlot(packed, 0), StatusIs(StatusCode::kDataLoss));
}

TEST(Segment, TakesAsManySlotsAsARowCanName) {
  std::vector<SegmentSlot> slots(32'767, {SlotForm::kBlock, "x"});
  slots.back().bytes = "last";
  const std::string packed = PackSegment(slots);
  TM_ASSERT_OK_AND_ASSIGN(const SegmentSlotView slot, FindSlot(packed, 32'766));
  EXPECT_EQ(slot.bytes, "last");
}

TEST(Segment, TruncatedOrLengthenedIsMalformed) {
  const std::vector<SegmentSlot> slots = {{SlotForm::kBlock, "first"}, {SlotForm::kBody, "second"}};
  const std::string packed = PackSegment(slots);
  for (size_t size = 0; size < packed.size(); ++size) {
    EXPECT_THAT(FindSlot(std::string_view(packed).substr(0, size), 0),
                StatusIs(StatusCode::kDataLoss))
        << size;
  }
  EXPECT_THAT(FindSlot(packed + "x", 0), StatusIs(StatusCode::kDataLoss));
}

TEST(Segment, HostileBytesNeverLeadOutOfBounds) {
  std::mt19937 random(7);
  const std::string packed = PackSegment(kSlots).substr(0, 200);
  for (int round = 0; round < 20'000; ++round) {
    std::string hostile = packed;
    for (int flips = 0; flips < 4; ++flips) {
      hostile[random() % std::min<size_t>(hostile.size(), 24)] = static_cast<char>(random());
    }
    hostile.resize(random() % (hostile.size() + 1));
    for (const int slot : {0, 1, 2, 32'766}) {
      const auto found = FindSlot(hostile, slot);
      if (!found.ok()) continue;
      EXPECT_GE(found->bytes.data(), hostile.data());
      EXPECT_LE(found->bytes.data() + found->bytes.size(), hostile.data() + hostile.size());
    }
    (void)FindTiles(hostile, 1).ok();
  }
}

TEST(Segment, BodiesComeBackWithinTheirBound) {
  for (const std::string& body : {std::string(), RandomBytes(5'000), std::string(1 << 20, 'a')}) {
    EXPECT_THAT(DecompressBody(CompressBody(body), 1 << 20), IsOkAndHolds(body));
  }
  const std::string bomb = CompressBody(std::string((1 << 20) + 1, '\0'));
  EXPECT_LT(bomb.size(), 1'000u);
  EXPECT_THAT(DecompressBody(bomb, 1 << 20), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecompressBody("", 100), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(DecompressBody("not a frame", 100), StatusIs(StatusCode::kDataLoss));
  const std::string whole = CompressBody(RandomBytes(500));
  EXPECT_THAT(DecompressBody(whole.substr(0, whole.size() - 1), 500),
              StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace tidemark::store
