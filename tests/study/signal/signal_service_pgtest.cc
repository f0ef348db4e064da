#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "base/rpc/error.h"
#include "base/rpc/reason.h"
#include "study/data_access.h"
#include "study/signal/signal_service.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::study {
namespace {

using store::Int16Channels;
using store::Int16Values;
using store::kNsPerS;
using store::kStudyZeroNs;
using store::RegularAt;
using store::SignalScene;
using store::StoredChunk;
using testing::ElementsAre;
using testing::StartsWith;

// Lets everybody read one participant.
class OneParticipant final : public rpc::Authorizer {
 public:
  explicit OneParticipant(ParticipantId participant) : participant_(participant) {}
  absl::StatusOr<rpc::Caller> Authorize(std::string_view, const grpc::ServerContextBase&,
                                        const google::protobuf::Message&) override {
    if (refuse) return absl::PermissionDeniedError("not permitted");
    rpc::Caller caller;
    caller.kind = rpc::CallerKind::kStaff;
    caller.object_participant = participant_;
    caller.data_kinds = rpc::DataKindSet::FromBits(data_kind_bits);
    return caller;
  }
  absl::Status Recheck(const rpc::Caller&, bool) override {
    return revoked ? absl::UnauthenticatedError("revoked") : absl::OkStatus();
  }
  std::atomic<uint32_t> data_kind_bits = rpc::kOrdinaryKinds.bits();
  std::atomic<bool> refuse = false;
  std::atomic<bool> revoked = false;

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
  // Without a pool: no read here is of a sensitive kind.
  const DataAccess access_{&scene_.catalog(), {nullptr, &scene_.keys(), &Clock::Real(), ""}};
  SignalService service_{&authorizer_, &scene_.reader(), &access_, &scene_.keys()};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::SignalService::Stub> stub_;
};

TEST_F(SignalServiceTest, OnlyGrantedKindsOfDataAreRead) {
  authorizer_.data_kind_bits = rpc::DataKindSet{v1::DATA_KIND_PHYSIOLOGY}.bits();
  v1::ReadSamplesRequest request = ReadRequest();
  request.set_everything(true);
  std::vector<v1::ReadSamplesResponse> messages;
  const absl::Status read = rpc::FromGrpc(Read(request, &messages));
  EXPECT_EQ(rpc::ReasonOf(read), v1::ERROR_REASON_DATA_KIND_NOT_GRANTED) << read;
  EXPECT_TRUE(messages.empty());
  v1::GetOverviewRequest overview;
  overview.set_participant_id(person_.participant_id.ToString());
  overview.set_stream_id(stream_.ToString());
  overview.mutable_study_range()->set_begin_ns(kStudyZeroNs);
  overview.mutable_study_range()->set_end_ns(kStudyZeroNs + kNsPerS);
  overview.set_width(10);
  grpc::ClientContext context;
  v1::GetOverviewResponse response;
  EXPECT_EQ(rpc::ReasonOf(rpc::FromGrpc(stub_->GetOverview(&context, overview, &response))),
            v1::ERROR_REASON_DATA_KIND_NOT_GRANTED);
}

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

// docs/privacy.md: that something was recorded may be asked by whoever has a role that reads.
TEST_F(SignalServiceTest, WhatExistsIsToldToThoseWhoMayReadNothingOfIt) {
  authorizer_.data_kind_bits = 0;
  v1::GetCoverageRequest request;
  request.set_participant_id(person_.participant_id.ToString());
  grpc::ClientContext context;
  v1::GetCoverageResponse response;
  ASSERT_TRUE(stub_->GetCoverage(&context, request, &response).ok());
  ASSERT_EQ(response.streams_size(), 1);
  EXPECT_EQ(response.streams(0).ranges_size(), 1);
  v1::ReadSamplesRequest read = ReadRequest();
  read.set_everything(true);
  EXPECT_EQ(rpc::ReasonOf(rpc::FromGrpc(Read(read))), v1::ERROR_REASON_DATA_KIND_NOT_GRANTED);
}

TEST_F(SignalServiceTest, NamesWhatWasErased) {
  ASSERT_TRUE(scene_.keys().DestroyParticipant(person_.participant_id).ok());
  v1::ReadSamplesRequest request = ReadRequest();
  request.set_everything(true);
  std::vector<v1::ReadSamplesResponse> messages;
  ASSERT_TRUE(Read(request, &messages).ok());
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].placement().boot_id(), boot_.ToString());
  const v1::UnreadableChunks& unreadable = messages[1].unreadable();
  EXPECT_EQ(unreadable.reason(), v1::UNREADABLE_REASON_ERASED);
  EXPECT_EQ(unreadable.stream_id(), stream_.ToString());
  EXPECT_EQ(unreadable.writer_id(), scene_.writer_.ToString());
  EXPECT_EQ(unreadable.first_number(), 0u);
  EXPECT_EQ(unreadable.last_number(), 2u);
  EXPECT_EQ(unreadable.device_range().end_ns(), 2'990'000'001);
  EXPECT_EQ(unreadable.samples(), 300u);

  v1::GetCoverageRequest coverage;
  coverage.set_participant_id(person_.participant_id.ToString());
  v1::GetCoverageResponse covered;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->GetCoverage(&context, coverage, &covered).ok());
  EXPECT_EQ(covered.streams(0).ranges_size(), 0);
  ASSERT_EQ(covered.streams(0).unreadable_size(), 1);
  EXPECT_EQ(covered.streams(0).unreadable(0).reason(), v1::UNREADABLE_REASON_ERASED);
  EXPECT_EQ(covered.streams(0).unreadable_chunks(), 3u);
}

TEST_F(SignalServiceTest, DamageOfOneStreamDoesNotKeepTheOthersBack) {
  const StreamId other = scene_.Declare(person_, "gyro", Int16Channels(1, 100));
  StoredChunk chunk;
  chunk.boot_id = boot_;
  chunk.stamps = RegularAt(0, 100, 100);
  chunk.values = Int16Values(1, 100, [](size_t, size_t i) { return static_cast<int>(i); });
  scene_.AddSegment(person_, other, {chunk});
  scene_.database().Execute(
      "update segment set payload = set_byte(payload, 40, get_byte(payload, 40) # 1)"
      " where stream_id = '" +
      stream_.ToString() + "'");
  v1::ReadSamplesRequest request = ReadRequest();
  request.add_stream_ids(other.ToString());
  request.set_everything(true);
  std::vector<v1::ReadSamplesResponse> messages;
  EXPECT_EQ(Read(request, &messages).error_code(), grpc::StatusCode::DATA_LOSS);
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[1].unreadable().reason(), v1::UNREADABLE_REASON_DAMAGED);
  EXPECT_EQ(messages[1].unreadable().last_number(), 2u);
  EXPECT_EQ(messages[3].block().stream_id(), other.ToString());
}

TEST_F(SignalServiceTest, TheLargestPicturesFitIntoAnAnswer) {
  v1::GetOverviewRequest request;
  request.set_participant_id(person_.participant_id.ToString());
  request.mutable_study_range()->set_begin_ns(kStudyZeroNs);
  request.mutable_study_range()->set_end_ns(kStudyZeroNs + 3 * kNsPerS);
  for (const int channels : {1, 12, 64}) {
    const StreamId stream =
        scene_.Declare(person_, "c" + std::to_string(channels), Int16Channels(channels, 100));
    request.set_stream_id(stream.ToString());
    const uint32_t width_max =
        std::min<uint32_t>(16'384, store::kOverviewCellsMax / static_cast<uint32_t>(channels));
    request.set_width(width_max);
    v1::GetOverviewResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub_->GetOverview(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.width(), width_max);
    EXPECT_LT(response.ByteSizeLong(), size_t{4} << 20);
    request.set_width(width_max + 1);
    grpc::ClientContext too_wide;
    const grpc::Status refused = stub_->GetOverview(&too_wide, request, &response);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(refused.error_message(), StartsWith("width: "));
  }
}

TEST_F(SignalServiceTest, TooManyStreamsForOneAnswerAreSaidSo) {
  // The largest declarations there are: half a thousand of them is too much.
  v1::StreamDeclaration large = Int16Channels(64, 100);
  for (int i = 0; i < large.channels_size(); ++i) {
    large.mutable_channels(i)->set_name(std::to_string(100 + i) + std::string(61, 'x'));
    large.mutable_channels(i)->set_unit(std::string(32, 'u'));
  }
  const StreamId first = scene_.Declare(person_, "large", large);
  scene_.database().Execute(
      "insert into stream select participant_id, gen_random_uuid(), study_id, device_id, n::text"
      " from stream, generate_series(1, 600) n where name = 'large';"
      "insert into stream_version select s.participant_id, s.stream_id, 1, s.study_id,"
      " v.declaration, v.declared_at from stream s, stream_version v"
      " where s.name ~ '^[0-9]' and v.stream_id = '" +
      first.ToString() + "'");
  v1::GetCoverageRequest request;
  request.set_participant_id(person_.participant_id.ToString());
  v1::GetCoverageResponse response;
  grpc::ClientContext context;
  const grpc::Status refused = stub_->GetCoverage(&context, request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), StartsWith("stream_ids: "));
  request.add_stream_ids(first.ToString());
  grpc::ClientContext fewer;
  EXPECT_TRUE(stub_->GetCoverage(&fewer, request, &response).ok());
  EXPECT_EQ(response.streams_size(), 1);
}

TEST_F(SignalServiceTest, VerifiesPageByPage) {
  scene_.database().Execute(
      "update chunk set sha256 = set_byte(sha256, 0, get_byte(sha256, 0) # 1) where number = 1");
  v1::VerifyStoredRequest request;
  request.set_participant_id(person_.participant_id.ToString());
  request.set_page_size(2);
  v1::VerifyStoredResponse first;
  grpc::ClientContext first_context;
  const grpc::Status status = stub_->VerifyStored(&first_context, request, &first);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(first.intact_chunks(), 1u);
  EXPECT_EQ(first.intact_bytes(), static_cast<uint64_t>(rows_[0].body_bytes));
  ASSERT_EQ(first.faults_size(), 1);
  EXPECT_EQ(first.faults(0).reason(), v1::UNREADABLE_REASON_DAMAGED);
  EXPECT_EQ(first.faults(0).number(), 1u);
  EXPECT_EQ(first.faults(0).sha256().size(), 32u);
  ASSERT_FALSE(first.next_page_token().empty());

  request.set_page_token(first.next_page_token());
  v1::VerifyStoredResponse second;
  grpc::ClientContext second_context;
  ASSERT_TRUE(stub_->VerifyStored(&second_context, request, &second).ok());
  EXPECT_EQ(second.intact_chunks(), 1u);
  EXPECT_TRUE(second.next_page_token().empty());

  request.mutable_page_token()->back() ^= 1;
  grpc::ClientContext third_context;
  EXPECT_EQ(rpc::ReasonOf(stub_->VerifyStored(&third_context, request, &second)),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  request.clear_page_token();
  request.set_page_size(1'001);
  grpc::ClientContext fourth_context;
  EXPECT_THAT(stub_->VerifyStored(&fourth_context, request, &second).error_message(),
              StartsWith("page_size: "));
}

// Reads over a real connection, whose flow control lets a client stop them.
class SlowReadTest : public SignalServiceTest {
 protected:
  static constexpr int kHandlerThreads = 4;  // of gRPC
  static constexpr size_t kReads = 12;       // more than threads and connections together

  void SetUp() override {
    SignalServiceTest::SetUp();
    // One chunk of 120 kB, and copies of its row: about 60 MB to read.
    StoredChunk chunk;
    chunk.boot_id = boot_;
    chunk.stamps = RegularAt(0, 60'000, 100);
    chunk.values =
        Int16Values(1, 60'000, [](size_t, size_t i) { return static_cast<int>(i % 99); });
    big_ = scene_.Declare(person_, "big", Int16Channels(1, 100));
    scene_.AddSegment(person_, big_, {chunk});
    scene_.database().Execute(
        "insert into chunk select participant_id, stream_id, writer_id, n, study_id, device_id,"
        " sha256, stream_version, kind, boot_id, clock_id, n, sample_count, body_bytes, flags,"
        " outlier_stamps, t_min_ns, t_max_ns, segment_id, 0, arrived_at"
        " from chunk, generate_series(1, 99) n where stream_id = '" +
        big_.ToString() + "'");
    grpc::ServerBuilder builder;
    grpc::ResourceQuota quota;
    quota.SetMaxThreads(kHandlerThreads);
    builder.SetResourceQuota(quota);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&slow_service_);
    slow_server_ = builder.BuildAndStart();
    ASSERT_NE(slow_server_, nullptr);
    stub_ = v1::SignalService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                           grpc::InsecureChannelCredentials()));
  }

  struct OpenRead {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::ReadSamplesResponse>> reader;
  };
  // A read of everything whose first message was taken.
  std::unique_ptr<OpenRead> Open() {
    v1::ReadSamplesRequest request;
    request.set_participant_id(person_.participant_id.ToString());
    request.add_stream_ids(big_.ToString());
    request.set_everything(true);
    auto read = std::make_unique<OpenRead>();
    read->reader = stub_->ReadSamples(&read->context, request);
    v1::ReadSamplesResponse message;
    EXPECT_TRUE(read->reader->Read(&message));
    return read;
  }
  static grpc::Status Drain(OpenRead& read, int* messages = nullptr) {
    v1::ReadSamplesResponse message;
    while (read.reader->Read(&message)) {
      if (messages != nullptr) ++*messages;
    }
    return read.reader->Finish();
  }

  StreamId big_;
  SignalService slow_service_{
      &authorizer_,
      &scene_.reader(),
      &access_,
      &scene_.keys(),
      {.threads = 2, .reads_max = kReads + 1, .reads_per_caller_max = kReads}};
  std::unique_ptr<grpc::Server> slow_server_;
};

TEST_F(SlowReadTest, ReadersWhoStopReadingCostNoThreadAndNoConnection) {
  std::vector<std::unique_ptr<OpenRead>> reads;
  for (size_t i = 0; i < kReads; ++i) reads.push_back(Open());
  EXPECT_EQ(slow_service_.sample_reads().open(), kReads);
  // All of them stand still in the middle; others are served as ever.
  v1::GetCoverageRequest request;
  request.set_participant_id(person_.participant_id.ToString());
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    v1::GetCoverageResponse response;
    const grpc::Status status = stub_->GetCoverage(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.streams_size(), 2);
  }
  // The last one who came reads on to the end.
  int messages = 1;
  EXPECT_TRUE(Drain(*reads.back(), &messages).ok());
  EXPECT_EQ(messages, 2 + 100);
  for (const auto& read : reads) read->context.TryCancel();
}

TEST_F(SlowReadTest, ACallerHasSoManyOpenReadsAndNoMore) {
  std::vector<std::unique_ptr<OpenRead>> reads;
  for (size_t i = 0; i < kReads; ++i) reads.push_back(Open());
  v1::ReadSamplesRequest request = ReadRequest();
  request.set_everything(true);
  const grpc::Status refused = Read(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(rpc::ReasonOf(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_TRUE(Drain(*reads[0]).ok());
  // A place is free when the server is done with the call, which is after its client knows.
  while (slow_service_.sample_reads().open() >= kReads) std::this_thread::yield();
  EXPECT_TRUE(Read(request).ok());
  for (const auto& read : reads) read->context.TryCancel();
}

TEST_F(SlowReadTest, AClientThatTakesNothingIsEnded) {
  const std::unique_ptr<OpenRead> read = Open();
  const auto later = std::chrono::steady_clock::now() + std::chrono::hours(1);
  // Until the connection is full and a message waits.
  while (slow_service_.sample_reads().EndIdle(later) == 0) std::this_thread::yield();
  int messages = 1;
  EXPECT_EQ(Drain(*read, &messages).error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_LT(messages, 2 + 100);
  while (slow_service_.sample_reads().open() > 0) std::this_thread::yield();
}

TEST_F(SlowReadTest, RevocationEndsAnOpenRead) {
  const std::unique_ptr<OpenRead> read = Open();
  authorizer_.revoked = true;
  EXPECT_EQ(Drain(*read).error_code(), grpc::StatusCode::UNAUTHENTICATED);
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
