#include <grpcpp/grpcpp.h>

#include <cmath>

#include "study/signal/signal_service.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::study {
namespace {

using store::Int16Channels;
using store::Int16Values;
using store::kNsPerS;
using store::RegularAt;
using store::SignalScene;
using store::StoredChunk;
using testing::ElementsAre;
using testing::StartsWith;

constexpr int64_t kStudyZeroNs = 1'790'000'000 * kNsPerS;

// Lets everybody read one participant.
class OneParticipant final : public rpc::Authorizer {
 public:
  explicit OneParticipant(ParticipantId participant) : participant_(participant) {}
  absl::StatusOr<rpc::Caller> Authorize(std::string_view, const grpc::ServerContextBase&,
                                        const google::protobuf::Message&) override {
    if (refuse) return absl::PermissionDeniedError("not permitted");
    rpc::Caller caller;
    caller.kind = rpc::CallerKind::kManager;
    caller.object_participant = participant_;
    return caller;
  }
  absl::Status Recheck(const rpc::Caller&, bool) override { return absl::OkStatus(); }
  bool refuse = false;

 private:
  const ParticipantId participant_;
};

class SignalServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = v1::SignalService::NewStub(server_->InProcessChannel({}));
    scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
    std::vector<StoredChunk> chunks;
    for (int64_t number = 0; number < 3; ++number) {
      StoredChunk chunk;
      chunk.number = number;
      chunk.boot_id = boot_;
      chunk.first_counter = number * 100;
      chunk.stamps = RegularAt(number * kNsPerS, 100, 100);
      chunk.values = Int16Values(2, 100, [&](size_t c, size_t i) {
        return static_cast<int>(1'000 * c + 100 * static_cast<size_t>(number) + i);
      });
      chunks.push_back(chunk);
    }
    rows_ = scene_.AddSegment(person_, stream_, chunks);
  }

  v1::ReadSamplesRequest ReadRequest() const {
    v1::ReadSamplesRequest request;
    request.set_participant_id(person_.participant_id.ToString());
    request.add_stream_ids(stream_.ToString());
    return request;
  }
  grpc::Status Read(const v1::ReadSamplesRequest& request,
                    std::vector<v1::ReadSamplesResponse>* messages = nullptr) {
    grpc::ClientContext context;
    const auto reader = stub_->ReadSamples(&context, request);
    v1::ReadSamplesResponse message;
    while (reader->Read(&message)) {
      if (messages != nullptr) messages->push_back(message);
    }
    return reader->Finish();
  }

  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPerson();
  const BootId boot_ = BootId::MakeRandom();
  const StreamId stream_ = scene_.Declare(person_, "acc", Int16Channels(2, 100, 2, 1));
  std::vector<store::ChunkRow> rows_;
  OneParticipant authorizer_{person_.participant_id};
  SignalService service_{&authorizer_, &scene_.reader(), &scene_.catalog()};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::SignalService::Stub> stub_;
};

TEST_F(SignalServiceTest, SendsStreamPlacementAndBlocks) {
  v1::ReadSamplesRequest request = ReadRequest();
  request.mutable_study_range()->set_begin_ns(kStudyZeroNs + 990'000'000);
  request.mutable_study_range()->set_end_ns(kStudyZeroNs + 1'020'000'000);
  request.add_channels("y");
  std::vector<v1::ReadSamplesResponse> messages;
  const grpc::Status status = Read(request, &messages);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].stream().name(), "acc");
  EXPECT_EQ(messages[0].stream().declaration().channels_size(), 2);
  EXPECT_EQ(messages[1].placement().boot_id(), boot_.ToString());
  EXPECT_EQ(messages[1].placement().anchor_study_ns(), kStudyZeroNs);
  EXPECT_FALSE(messages[1].placement().has_sigma_ns());
  const v1::SampleBlock& first = messages[2].block();
  EXPECT_EQ(first.number(), 0u);
  EXPECT_EQ(first.first_counter(), 99u);
  EXPECT_EQ(first.count(), 1u);
  EXPECT_EQ(first.values(), Int16Values(1, 1, [](size_t, size_t) { return 1'099; }));
  EXPECT_FALSE(first.has_flags());
  const v1::SampleBlock& second = messages[3].block();
  EXPECT_EQ(second.number(), 1u);
  EXPECT_EQ(second.count(), 2u);
  EXPECT_EQ(LoadLe<int64_t>(second.stamps_device_ns().data()), kNsPerS);
  EXPECT_EQ(second.writer_id(), scene_.writer_.ToString());
}

TEST_F(SignalServiceTest, SendsEachStreamAndPlacementOnce) {
  v1::ReadSamplesRequest request = ReadRequest();
  request.add_stream_ids(stream_.ToString());
  request.set_everything(true);
  std::vector<v1::ReadSamplesResponse> messages;
  ASSERT_TRUE(Read(request, &messages).ok());
  EXPECT_EQ(messages.size(), 2u + 3u + 3u);
}

TEST_F(SignalServiceTest, StopsWhenTheClientIsGone) {
  v1::ReadSamplesRequest request = ReadRequest();
  request.set_everything(true);
  grpc::ClientContext context;
  const auto reader = stub_->ReadSamples(&context, request);
  v1::ReadSamplesResponse message;
  ASSERT_TRUE(reader->Read(&message));
  context.TryCancel();
  while (reader->Read(&message)) continue;
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

struct BrokenRead {
  const char* field;
  void (*break_it)(v1::ReadSamplesRequest&);
};

TEST_F(SignalServiceTest, NamesTheFieldThatBreaksARule) {
  const BrokenRead kCases[] = {
      {"stream_ids: ", [](auto& r) { r.clear_stream_ids(); }},
      {"stream_ids: ", [](auto& r) { r.set_stream_ids(0, "not an id"); }},
      {"stream_ids: ",
       [](auto& r) {
         for (int i = 0; i < 64; ++i) r.add_stream_ids(r.stream_ids(0));
       }},
      {"range: ", [](auto& r) { r.clear_range(); }},
      {"everything: ", [](auto& r) { r.set_everything(false); }},
      {"study_range: ", [](auto& r) { r.mutable_study_range(); }},
      {"device_range.boot_id: ", [](auto& r) { r.mutable_device_range()->set_boot_id("7"); }},
      {"device_range.clock_id: ",
       [](auto& r) {
         r.mutable_device_range()->set_boot_id(BootId::MakeRandom().ToString());
         r.mutable_device_range()->set_clock_id(65'536);
       }},
      {"device_range.range: ",
       [](auto& r) { r.mutable_device_range()->set_boot_id(BootId::MakeRandom().ToString()); }},
      {"channels: ", [](auto& r) { r.add_channels("nosuch"); }},
      {"channels: ",
       [](auto& r) {
         r.add_channels("x");
         r.add_channels("x");
       }},
  };
  for (const BrokenRead& each : kCases) {
    SCOPED_TRACE(each.field);
    v1::ReadSamplesRequest request = ReadRequest();
    request.set_everything(true);
    each.break_it(request);
    const grpc::Status status = Read(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), StartsWith(each.field));
    EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  }
}

TEST_F(SignalServiceTest, AnUnknownStreamIsNotFoundBeforeAnythingIsSent) {
  v1::ReadSamplesRequest request = ReadRequest();
  request.add_stream_ids(StreamId::MakeV7().ToString());
  request.set_everything(true);
  std::vector<v1::ReadSamplesResponse> messages;
  const grpc::Status status = Read(request, &messages);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(rpc::ReasonOf(status), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_TRUE(messages.empty());
}

TEST_F(SignalServiceTest, DrawsAnOverview) {
  v1::GetOverviewRequest request;
  request.set_participant_id(person_.participant_id.ToString());
  request.set_stream_id(stream_.ToString());
  request.mutable_study_range()->set_begin_ns(kStudyZeroNs + kNsPerS);
  request.mutable_study_range()->set_end_ns(kStudyZeroNs + 5 * kNsPerS);
  request.set_width(4);
  grpc::ClientContext context;
  v1::GetOverviewResponse response;
  const grpc::Status status = stub_->GetOverview(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.width(), 4u);
  ASSERT_EQ(response.counts().size(), 16u);
  EXPECT_EQ(LoadLe<uint32_t>(response.counts().data()), 100u);
  EXPECT_EQ(LoadLe<uint32_t>(response.counts().data() + 12), 0u);
  ASSERT_EQ(response.channels_size(), 2);
  EXPECT_EQ(response.channels(1).name(), "y");
  EXPECT_EQ(LoadLe<double>(response.channels(0).min().data()), 100 * 2 + 1);
  EXPECT_EQ(LoadLe<double>(response.channels(1).max().data()), 1'199 * 2 + 1);
  EXPECT_TRUE(std::isnan(LoadLe<double>(response.channels(0).min().data() + 24)));
  ASSERT_EQ(response.gaps_size(), 1);
  EXPECT_EQ(response.gaps(0).end_ns(), request.study_range().end_ns());
  EXPECT_EQ(response.before().study_ns(), kStudyZeroNs + 990'000'000);
  EXPECT_THAT(response.before().values(), ElementsAre(199, 2'199));
  EXPECT_FALSE(response.has_after());
  EXPECT_EQ(response.placements_size(), 1);

  for (const uint32_t width : {0u, 16'385u}) {
    grpc::ClientContext another;
    request.set_width(width);
    EXPECT_THAT(stub_->GetOverview(&another, request, &response).error_message(),
                StartsWith("width: "));
  }
}

TEST_F(SignalServiceTest, TellsWhatExists) {
  v1::GetCoverageRequest request;
  request.set_participant_id(person_.participant_id.ToString());
  grpc::ClientContext context;
  v1::GetCoverageResponse response;
  const grpc::Status status = stub_->GetCoverage(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.streams_size(), 1);
  const v1::StreamCoverage& coverage = response.streams(0);
  EXPECT_EQ(coverage.stream().stream_id(), stream_.ToString());
  ASSERT_EQ(coverage.ranges_size(), 1);
  EXPECT_EQ(coverage.ranges(0).begin_ns(), kStudyZeroNs);
  EXPECT_EQ(coverage.ranges(0).end_ns(), kStudyZeroNs + 2'990'000'001);
  EXPECT_EQ(coverage.chunks(), 3u);
  EXPECT_EQ(coverage.samples(), 300u);
  int64_t body_bytes = 0;
  for (const store::ChunkRow& row : rows_) body_bytes += row.body_bytes;
  EXPECT_EQ(coverage.body_bytes(), static_cast<uint64_t>(body_bytes));
  EXPECT_GT(coverage.stored_bytes(), 0u);
  EXPECT_EQ(coverage.last_arrival().seconds(), 1'795'348'801);
}

TEST_F(SignalServiceTest, NobodyReadsWithoutPermission) {
  authorizer_.refuse = true;
  v1::ReadSamplesRequest request = ReadRequest();
  request.set_everything(true);
  std::vector<v1::ReadSamplesResponse> messages;
  EXPECT_EQ(Read(request, &messages).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(messages.empty());
}

}  // namespace
}  // namespace tidemark::study
