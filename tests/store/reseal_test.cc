#include "store/reseal.h"

#include "store/envelope.h"
#include "store/segment.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::IsOkAndHolds;
using support::StatusIs;

class ResealTest : public testing::Test {
 protected:
  void SetUp() override {
    TM_ASSERT_OK_AND_ASSIGN(keys_, OpenFolderKeyStore({.folder = folder_.path()}));
    TM_ASSERT_OK_AND_ASSIGN(old_key_,
                            keys_->KeyForWriting(place_.participant_id, place_.stream_id, 20'000));
    TM_ASSERT_OK_AND_ASSIGN(new_key_,
                            keys_->KeyForWriting(place_.participant_id, place_.stream_id, 20'001));
    sealed_.payload = Seal("segment.payload", EnvelopeCodec::kSegment, PackSegment(slots_));
    sealed_.tiles = Seal("segment.tiles", EnvelopeCodec::kTiles, PackTiles(tiles_));
  }
  EnvelopePlace Envelope(const char* table) const {
    return {table, place_.participant_id, place_.segment_id.AsBytes()};
  }
  std::string Seal(const char* table, EnvelopeCodec codec, const std::string& plain) const {
    return SealEnvelope(old_key_, Envelope(table), codec, plain);
  }
  absl::StatusOr<OpenedEnvelope> Open(const char* table, const std::string& sealed) {
    return OpenEnvelope(*keys_, Envelope(table), place_.stream_id, sealed);
  }
  absl::StatusOr<SealedSegment> Reseal(const std::vector<bool>& keep) {
    return ResealSegment(*keys_, place_, sealed_, keep, new_key_);
  }

  TemporaryFolder folder_;
  std::unique_ptr<KeyStore> keys_;
  const SegmentPlace place_{ParticipantId::MakeV7(), StreamId::MakeV7(), SegmentId::MakeV7()};
  const std::vector<SegmentSlot> slots_ = {
      {SlotForm::kBlock, "first"}, {SlotForm::kBody, "second"}, {SlotForm::kBlock, "third"}};
  const std::vector<std::string> tiles_ = {"one", "", "three"};
  DataKey old_key_, new_key_;
  SealedSegment sealed_;
};

TEST_F(ResealTest, KeepsSlotsInTheirPlacesAndNothingElse) {
  TM_ASSERT_OK_AND_ASSIGN(const SealedSegment anew, Reseal({false, true, true}));
  ASSERT_THAT(keys_->DestroyDataKey(place_.participant_id, old_key_.name), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const OpenedEnvelope payload, Open("segment.payload", anew.payload));
  EXPECT_EQ(payload.codec, EnvelopeCodec::kSegment);
  EXPECT_THAT(FindSlot(payload.plain, 0), StatusIs(StatusCode::kNotFound));
  TM_ASSERT_OK_AND_ASSIGN(const SegmentSlotView second, FindSlot(payload.plain, 1));
  EXPECT_EQ(second.form, SlotForm::kBody);
  EXPECT_EQ(second.bytes, "second");
  TM_ASSERT_OK_AND_ASSIGN(const SegmentSlotView third, FindSlot(payload.plain, 2));
  EXPECT_EQ(third.form, SlotForm::kBlock);
  EXPECT_EQ(third.bytes, "third");
  EXPECT_EQ(payload.plain.find("first"), std::string::npos);
  TM_ASSERT_OK_AND_ASSIGN(const OpenedEnvelope tiles, Open("segment.tiles", anew.tiles));
  EXPECT_THAT(FindTiles(tiles.plain, 0), IsOkAndHolds(""));
  EXPECT_THAT(FindTiles(tiles.plain, 2), IsOkAndHolds("three"));
  EXPECT_THAT(Open("segment.payload", sealed_.payload), StatusIs(StatusCode::kNotFound));
}

TEST_F(ResealTest, WhatIsKeptMustBeReadable) {
  sealed_.payload.back() ^= 1;
  EXPECT_THAT(Reseal({false, true, true}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(Reseal({false, false, false}), IsOk());
  sealed_.payload.back() ^= 1;
  EXPECT_THAT(Reseal({true, true, true, true}), StatusIs(StatusCode::kDataLoss));
  ASSERT_THAT(keys_->DestroyDataKey(place_.participant_id, old_key_.name), IsOk());
  EXPECT_THAT(Reseal({true, true, true}), StatusIs(StatusCode::kDataLoss));
}

TEST_F(ResealTest, ASlotThatWasEmptiedStaysEmpty) {
  TM_ASSERT_OK_AND_ASSIGN(sealed_, Reseal({false, true, true}));
  TM_ASSERT_OK_AND_ASSIGN(new_key_,
                          keys_->KeyForWriting(place_.participant_id, place_.stream_id, 20'002));
  EXPECT_THAT(Reseal({true, true, true}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(Reseal({false, true, false}), IsOk());
}

TEST_F(ResealTest, ASegmentWithoutTilesGetsNone) {
  sealed_.tiles.clear();
  TM_ASSERT_OK_AND_ASSIGN(const SealedSegment anew, Reseal({true, true, true}));
  EXPECT_TRUE(anew.tiles.empty());
}

}  // namespace
}  // namespace tidemark::store
