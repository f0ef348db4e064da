#include "store/stream_catalog.h"
#include "store/stream_codec.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;

class StreamCatalogTest : public testing::Test {
 protected:
  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPerson();
};

TEST_F(StreamCatalogTest, FindsAVersionWithAllItsFields) {
  const v1::StreamDeclaration declaration = Int16Channels(3, 100, 0.5, 1);
  const StreamId stream = scene_.Declare(person_, "acc", declaration);
  TM_ASSERT_OK_AND_ASSIGN(const auto info,
                          scene_.catalog().Find(person_.participant_id, stream, 1, kNoDeadline));
  EXPECT_EQ(info->participant_id, person_.participant_id);
  EXPECT_EQ(info->study_id, person_.study_id);
  EXPECT_EQ(info->device_id, person_.device_id);
  EXPECT_EQ(info->stream_id, stream);
  EXPECT_EQ(info->name, "acc");
  EXPECT_EQ(info->version, 1);
  EXPECT_EQ(info->channels.size(), 3u);
  EXPECT_EQ(info->period_ns, 10'000'000);
  EXPECT_EQ(info->declaration, SerializeDeclaration(declaration));
  EXPECT_EQ(absl::FromUnixMicros(info->declared_at_us), absl::FromUnixMillis(1'795'348'800'500));
}

TEST_F(StreamCatalogTest, TellsAnUnknownStreamFromAnUnknownVersion) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 1));
  bool known = false;
  EXPECT_THAT(scene_.catalog().Find(person_.participant_id, stream, 2, kNoDeadline, &known),
              StatusIs(StatusCode::kNotFound));
  EXPECT_TRUE(known);
  EXPECT_THAT(
      scene_.catalog().Find(person_.participant_id, StreamId::MakeV7(), 1, kNoDeadline, &known),
      StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(known);
  // Another participant's stream is as unknown as one that does not exist.
  EXPECT_THAT(
      scene_.catalog().Find(scene_.AddPerson().participant_id, stream, 1, kNoDeadline, &known),
      StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(known);
}

TEST_F(StreamCatalogTest, RemembersWhatItFoundAndAsksAgainForWhatItDidNot) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 1));
  const ParticipantId participant = person_.participant_id;
  EXPECT_EQ(scene_.catalog().FindCached(participant, stream, 1), nullptr);
  EXPECT_THAT(scene_.catalog().Find(participant, stream, 2, kNoDeadline),
              StatusIs(StatusCode::kNotFound));
  scene_.DeclareVersion(person_, stream, 2, Int16Channels(2, 1));
  TM_ASSERT_OK_AND_ASSIGN(const auto info,
                          scene_.catalog().Find(participant, stream, 2, kNoDeadline));
  EXPECT_EQ(info->channels.size(), 2u);
  EXPECT_EQ(scene_.catalog().FindCached(participant, stream, 2), info);
  scene_.database().Execute("delete from stream where stream_id = '" + stream.ToString() + "'");
  bool known = false;
  EXPECT_THAT(scene_.catalog().Find(participant, stream, 2, kNoDeadline, &known), IsOk());
  EXPECT_TRUE(known);
}

TEST_F(StreamCatalogTest, ListsTheNewestVersionOfEachStream) {
  const StreamId first = scene_.Declare(person_, "acc", Int16Channels(1, 1));
  const StreamId second = scene_.Declare(person_, "gyro", Int16Channels(1, 1));
  scene_.DeclareVersion(person_, first, 2, Int16Channels(2, 1));
  const auto other = scene_.AddPerson();
  scene_.Declare(other, "acc", Int16Channels(1, 1));
  TM_ASSERT_OK_AND_ASSIGN(const auto streams,
                          scene_.catalog().List(person_.participant_id, kNoDeadline));
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0]->stream_id, first);
  EXPECT_EQ(streams[0]->version, 2);
  EXPECT_EQ(streams[1]->stream_id, second);
  EXPECT_EQ(streams[1]->version, 1);
}

}  // namespace
}  // namespace tidemark::store
