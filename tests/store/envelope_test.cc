#include "store/envelope.h"

#include "tests/store/temporary_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;

class EnvelopeTest : public testing::Test {
 protected:
  void SetUp() override {
    TM_ASSERT_OK_AND_ASSIGN(keys_, OpenFolderKeyStore({.folder = folder_.path()}));
    TM_ASSERT_OK_AND_ASSIGN(key_, keys_->KeyForWriting(participant_, stream_, 20'000));
  }
  EnvelopePlace Place() const { return {"segment.payload", participant_, "0123456789abcdef"}; }

  TemporaryFolder folder_;
  std::unique_ptr<KeyStore> keys_;
  const ParticipantId participant_ = ParticipantId::MakeV7();
  const StreamId stream_ = StreamId::MakeV7();
  DataKey key_;
};

TEST_F(EnvelopeTest, OpensWhatWasSealed) {
  for (const std::string& plain :
       {std::string(), std::string("\0\xFF zero", 7), std::string(1 << 20, 'x')}) {
    const std::string sealed = SealEnvelope(key_, Place(), EnvelopeCodec::kSegment, plain);
    TM_ASSERT_OK_AND_ASSIGN(const OpenedEnvelope opened,
                            OpenEnvelope(*keys_, Place(), stream_, sealed));
    EXPECT_EQ(opened.codec, EnvelopeCodec::kSegment);
    EXPECT_EQ(opened.plain, plain);
  }
}

TEST_F(EnvelopeTest, BytesThatMovedToAnotherRowDoNotOpen) {
  const std::string sealed = SealEnvelope(key_, Place(), EnvelopeCodec::kPlain, "secret");
  EnvelopePlace place = Place();
  place.row_key = "0123456789abcdeX";
  EXPECT_THAT(OpenEnvelope(*keys_, place, stream_, sealed), StatusIs(StatusCode::kDataLoss));
  place = Place();
  place.table = "segment.tiles";
  EXPECT_THAT(OpenEnvelope(*keys_, place, stream_, sealed), StatusIs(StatusCode::kDataLoss));
  // Table and key run together must not be taken for another pair.
  place = {"segment.payload0", participant_, "123456789abcdef"};
  EXPECT_THAT(OpenEnvelope(*keys_, place, stream_, sealed), StatusIs(StatusCode::kDataLoss));

  const StreamId other_stream = StreamId::MakeV7();
  ASSERT_THAT(keys_->KeyForWriting(participant_, other_stream, 20'000), IsOk());
  EXPECT_THAT(OpenEnvelope(*keys_, Place(), other_stream, sealed), StatusIs(StatusCode::kDataLoss));
  place = Place();
  place.participant_id = ParticipantId::MakeV7();
  ASSERT_THAT(keys_->KeyForWriting(place.participant_id, stream_, 20'000), IsOk());
  EXPECT_THAT(OpenEnvelope(*keys_, place, stream_, sealed), StatusIs(StatusCode::kDataLoss));
}

TEST_F(EnvelopeTest, EveryAlteredOrMissingByteIsNoticed) {
  const std::string sealed = SealEnvelope(key_, Place(), EnvelopeCodec::kTiles, "tiles");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 0x41);
    EXPECT_FALSE(OpenEnvelope(*keys_, Place(), stream_, altered).ok()) << i;
    EXPECT_THAT(OpenEnvelope(*keys_, Place(), stream_, sealed.substr(0, i)),
                StatusIs(StatusCode::kDataLoss))
        << i;
  }
}

TEST_F(EnvelopeTest, ErasedIsNotTheSameAsDamaged) {
  const std::string sealed = SealEnvelope(key_, Place(), EnvelopeCodec::kPlain, "secret");
  ASSERT_THAT(keys_->DestroyParticipant(participant_), IsOk());
  EXPECT_THAT(OpenEnvelope(*keys_, Place(), stream_, sealed), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace tidemark::store
