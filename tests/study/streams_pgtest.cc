#include <fmt/format.h>

#include "study/streams.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class StreamsTest : public StudyFixture {
 protected:
  Call OwnCall() const {
    return DeviceCall(enrolled_.study, enrolled_.participant, enrolled_.device);
  }
  v1::DeclareStreamRequest ARequest(const std::string& name = "hr") const {
    v1::DeclareStreamRequest request;
    request.set_device_id(enrolled_.device.ToString());
    request.set_stream_id(StreamId::MakeV7().ToString());
    request.set_name(name);
    request.set_version(1);
    v1::StreamDeclaration& declaration = *request.mutable_declaration();
    declaration.set_modality(v1::MODALITY_HEART_RATE);
    declaration.set_stamped(true);
    v1::Channel& channel = *declaration.add_channels();
    channel.set_name("rate");
    channel.set_unit("/min");
    channel.set_type(v1::CHANNEL_TYPE_FLOAT32);
    return request;
  }
  absl::StatusOr<v1::DeclareStreamResponse> Declare(const v1::DeclareStreamRequest& request) {
    return streams_.Declare(OwnCall(), request);
  }
  v1::ErrorReason ReasonOfDeclare(const v1::DeclareStreamRequest& request) {
    return rpc::ReasonOf(Declare(request).status());
  }

  const Streams streams_{context_};
  const Enrolled enrolled_ = MakeEnrolled();
};

TEST_F(StreamsTest, DeclaringIsIdempotent) {
  const auto request = ARequest();
  TM_ASSERT_OK_AND_ASSIGN(const auto first, Declare(request));
  clock_.Advance(absl::Seconds(5));
  TM_ASSERT_OK_AND_ASSIGN(const auto second, Declare(request));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(first.stream().declaration().channels(0).scale(), 1);  // what 0 stands for
}

TEST_F(StreamsTest, SameVersionOtherwiseIsAConflict) {
  auto request = ARequest();
  ASSERT_THAT(Declare(request), IsOk());
  request.mutable_declaration()->mutable_channels(0)->set_offset(1);
  EXPECT_EQ(ReasonOfDeclare(request), v1::ERROR_REASON_ALREADY_EXISTS);
}

TEST_F(StreamsTest, NameBelongsToOneStreamAndOneNameToAStream) {
  auto request = ARequest("hr");
  ASSERT_THAT(Declare(request), IsOk());
  EXPECT_EQ(ReasonOfDeclare(ARequest("hr")), v1::ERROR_REASON_ALREADY_EXISTS);
  request.set_name("other");
  EXPECT_EQ(ReasonOfDeclare(request), v1::ERROR_REASON_ALREADY_EXISTS);
}

TEST_F(StreamsTest, VersionsComeInOrder) {
  auto request = ARequest();
  request.set_version(2);
  EXPECT_EQ(ReasonOfDeclare(request), v1::ERROR_REASON_STATE_CONFLICT);
  request.set_version(1);
  ASSERT_THAT(Declare(request), IsOk());
  request.set_version(3);
  request.mutable_declaration()->mutable_channels(0)->set_offset(1);
  EXPECT_EQ(ReasonOfDeclare(request), v1::ERROR_REASON_STATE_CONFLICT);
  request.set_version(2);
  EXPECT_THAT(Declare(request), IsOk());
}

TEST_F(StreamsTest, KindOfPayloadNeverChanges) {
  auto request = ARequest();
  ASSERT_THAT(Declare(request), IsOk());
  request.set_version(2);
  request.mutable_declaration()->Clear();
  request.mutable_declaration()->set_modality(v1::MODALITY_RECORDS);
  EXPECT_EQ(ReasonOfDeclare(request), v1::ERROR_REASON_STATE_CONFLICT);
}

TEST_F(StreamsTest, FieldsAreChecked) {
  auto request = ARequest();
  request.set_stream_id(Uuid::MakeRandom().ToString());  // a UUIDv4
  EXPECT_EQ(ReasonOfDeclare(request), v1::ERROR_REASON_FIELD_INVALID);
  request = ARequest();
  request.mutable_declaration()->mutable_channels(0)->clear_unit();
  const absl::Status status = Declare(request).status();
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("declaration.channels[0].unit"));
  request = ARequest();
  request.set_version(0);
  EXPECT_EQ(ReasonOfDeclare(request), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(StreamsTest, ListGivesNewestOrEveryVersionInPages) {
  auto request = ARequest("a");
  ASSERT_THAT(Declare(request), IsOk());
  request.set_version(2);
  request.mutable_declaration()->mutable_channels(0)->set_offset(1);
  ASSERT_THAT(Declare(request), IsOk());
  ASSERT_THAT(Declare(ARequest("b")), IsOk());

  const auto versions = [&](bool all) {
    v1::ListStreamsRequest list;
    list.set_all_versions(all);
    list.set_page_size(1);
    std::vector<uint32_t> seen;
    do {
      const auto page = streams_.List(ManagerCall(enrolled_.study, enrolled_.participant), list);
      EXPECT_THAT(page, IsOk());
      for (const auto& stream : page->streams()) seen.push_back(stream.version());
      list.set_page_token(page->next_page_token());
    } while (!list.page_token().empty());
    return seen;
  };
  EXPECT_THAT(versions(false), ::testing::UnorderedElementsAre(2u, 1u));
  EXPECT_THAT(versions(true), ::testing::UnorderedElementsAre(1u, 2u, 1u));
}

// Declarations as large as they may be, and as many as a page may have rows: the page ends early.
TEST_F(StreamsTest, APageHasABoundOfBytesToo) {
  auto request = ARequest();
  request.mutable_declaration()->mutable_channels(0)->set_unit(std::string(32, 'u'));
  for (int i = 1; i < 64; ++i) {
    *request.mutable_declaration()->add_channels() = request.declaration().channels(0);
    request.mutable_declaration()->mutable_channels(i)->set_name(
        fmt::format("{:0>64}", fmt::format("c{}", i)));
  }
  ASSERT_THAT(Declare(request), IsOk());
  support::TestDatabase::Shared().Execute(
      fmt::format("insert into stream_version select participant_id, stream_id, n, study_id,"
                  "       declaration, declared_at"
                  "  from stream_version, generate_series(2, 900) as n where stream_id = '{}'",
                  request.stream_id()));
  v1::ListStreamsRequest list;
  list.set_all_versions(true);
  list.set_page_size(1000);
  uint32_t versions = 0;
  int pages = 0;
  do {
    TM_ASSERT_OK_AND_ASSIGN(const auto page, streams_.List(OwnCall(), list));
    EXPECT_LT(page.ByteSizeLong(), size_t{3} << 20);
    for (const auto& stream : page.streams()) EXPECT_EQ(stream.version(), ++versions);
    list.set_page_token(page.next_page_token());
    ++pages;
  } while (!list.page_token().empty());
  EXPECT_EQ(versions, 900u);
  EXPECT_GT(pages, 2);
}

TEST_F(StreamsTest, DeviceSeesItsOwnStreamsOnly) {
  ASSERT_THAT(Declare(ARequest()), IsOk());
  const DeviceId other = *DeviceId::Parse(
      MakeDevice(enrolled_.study, enrolled_.participant, "phone").device().device_id());
  const Call call = DeviceCall(enrolled_.study, enrolled_.participant, other);
  TM_ASSERT_OK_AND_ASSIGN(const auto listed, streams_.List(call, {}));
  EXPECT_EQ(listed.streams_size(), 0);
  v1::ListStreamsRequest foreign;
  foreign.set_device_id(enrolled_.device.ToString());
  EXPECT_EQ(rpc::ReasonOf(streams_.List(call, foreign).status()), v1::ERROR_REASON_NOT_PERMITTED);
}

}  // namespace
}  // namespace tidemark::study
