// A device's whole way against a real server: enrol, record, upload both ways, read back; and every
// kind of answer until the outbox is empty.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/endian.h"
#include "ingest/client/digest_sink.h"
#include "ingest/client/outbox_sink.h"
#include "ingest/client/read_back.h"
#include "ingest/client/upload_client.h"
#include "tests/server/server_fixture.h"
#include "tidemark/v1/signal.grpc.pb.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kStartNs = 1'700'000'000 * kSecondNs;

template <class T>
std::string Packed(std::initializer_list<T> values) {
  std::string bytes;
  for (const T value : values) AppendLe(bytes, value);
  return bytes;
}

v1::StreamDeclaration Declaration(v1::Modality modality, v1::ChannelType type, int channels,
                                  bool stamped) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(modality);
  for (int c = 0; c < channels; ++c) {
    auto* channel = declaration.add_channels();
    channel->set_name(std::string(1, static_cast<char>('x' + c)));
    channel->set_unit("1");
    channel->set_type(type);
    channel->set_scale(1);
  }
  declaration.set_stamped(stamped);
  return declaration;
}

// Everything that is odd and must come back bit for bit.
absl::Status PlaySmallRecording(RecordingSink& sink) {
  v1::BootStart start;
  start.set_wall_ns(kStartNs);
  TM_RETURN_IF_ERROR(sink.BeginBoot(BootId{Uuid::MakeV7(absl::FromUnixSeconds(1))}, start));
  v1::ClockPair pair;
  pair.set_sensor_ns(0);
  pair.set_wall_ns(kStartNs);
  TM_RETURN_IF_ERROR(sink.AddClockPair(pair));

  TM_ASSIGN_OR_RETURN(const int acc,
                      sink.DeclareStream("acc", Declaration(v1::MODALITY_OTHER,
                                                            v1::CHANNEL_TYPE_FLOAT32, 2, false)));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (uint64_t run = 0; run < 3; ++run) {
    const auto begin_ns = static_cast<int64_t>(run) * kSecondNs;
    TM_ASSIGN_OR_RETURN(const auto stamps,
                        signal::Stamps::Regular(begin_ns, begin_ns + kSecondNs - 1, 3));
    const std::string values = Packed({1.5f, nan, -0.0f, infinity, -infinity, 1e-42f});
    TM_RETURN_IF_ERROR(
        sink.Append(acc, {.first_counter = run * 3, .stamps = stamps, .values = values}));
  }

  TM_ASSIGN_OR_RETURN(
      const int odd,
      sink.DeclareStream("odd", Declaration(v1::MODALITY_OTHER, v1::CHANNEL_TYPE_INT16, 1, true)));
  // 1970 and the far future are outliers, one stamp is repeated, one goes back.
  const std::vector<int64_t> stamps = {10 * kSecondNs, 11 * kSecondNs, 11 * kSecondNs,
                                       5 * kSecondNs,  12 * kSecondNs, INT64_MAX,
                                       INT64_MIN,      13 * kSecondNs};
  TM_RETURN_IF_ERROR(
      sink.Append(odd, {.first_counter = 100,
                        .stamps = signal::Stamps::Exact(stamps),
                        .values = Packed<int16_t>({1, -2, 3, INT16_MIN, INT16_MAX, 0, 7, 8})}));

  v1::StreamDeclaration video;
  video.set_modality(v1::MODALITY_ENCODED_VIDEO);
  video.set_media_type("video/hevc");
  TM_ASSIGN_OR_RETURN(const int encoded, sink.DeclareStream("video", video));
  return sink.AppendEncoded(encoded, 0, kSecondNs, 0, std::string("\0opaque\xff", 8));
}

class UploadE2eTest : public server::ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    site_ = MakeSite("e2e");
    EnrolAs("phone");
    ASSERT_NE(identity_, nullptr);
    auto outbox = Outbox::Open(identity_->outbox_folder());
    ASSERT_THAT(outbox, IsOk());
    outbox_ = *std::move(outbox);
    auto ledger = Ledger::Open(identity_->ledger_path());
    ASSERT_THAT(ledger, IsOk());
    ledger_ = std::make_unique<Ledger>(*std::move(ledger));
  }

  // From here on the client is this new device.
  void EnrolAs(const std::string& name) {
    v1::CreateDeviceRequest create;
    create.set_request_id(server::NewRequestId());
    create.set_participant_id(site_.participant_id);
    create.set_name(name);
    const auto made = server::Invoke(*devices_, &v1::DeviceService::Stub::CreateDevice, create,
                                     site_.manager_token);
    ASSERT_THAT(made, IsOk());
    auto identity = Identity::Enrol(channel_, {"in-process", ""}, folder_.File(name),
                                    made->enrolment_code().code());
    ASSERT_THAT(identity, IsOk());
    identity_ = std::make_unique<Identity>(*std::move(identity));
  }

  UploadReport Drain(Outbox& outbox, UploadWay way) {
    UploadOptions options;
    options.way = way;
    options.accept_unsafe_durability = true;  // the cluster of the tests does not sync
    options.waits_max = 0;
    options.sleep = [](absl::Duration) {};
    UploadClient client(channel_, *identity_, outbox, *ledger_, std::move(options));
    return client.Drain();
  }
  UploadReport Drain(UploadWay way = UploadWay::kStream) { return Drain(*outbox_, way); }

  // Appends one chunk of the stream "x" that `change` made different from a good one.
  void AppendChunk(Outbox& outbox, const std::function<void(v1::ChunkBody&)>& change) {
    const auto declared =
        outbox.DeclareStream("x", Declaration(v1::MODALITY_OTHER, v1::CHANNEL_TYPE_INT16, 1, true));
    ASSERT_THAT(declared, IsOk());
    ASSERT_THAT(
        outbox.Append(declared->stream_id,
                      [&](const WriterId& writer, uint64_t number) {
                        v1::ChunkBody body;
                        body.set_version(1);
                        body.set_stream_id(std::string(declared->stream_id.AsBytes()));
                        body.set_stream_version(1);
                        body.set_writer_id(std::string(writer.AsBytes()));
                        body.set_number(number);
                        body.set_boot_id(std::string(16, 'b'));
                        body.mutable_samples()->set_count(2);
                        body.mutable_samples()->set_values("abcd");
                        body.mutable_samples()->set_exact_device_ns(Packed<int64_t>({1, 2}));
                        change(body);
                        return body.SerializeAsString();
                      }),
        IsOk());
  }

  // Every number of the device is settled at the server.
  void ExpectNothingMissing() {
    v1::GetUploadStateRequest request;
    request.set_participant_id(site_.participant_id);
    const auto state =
        server::Invoke(*v1::IngestService::NewStub(channel_),
                       &v1::IngestService::Stub::GetUploadState, request, site_.manager_token);
    ASSERT_THAT(state, IsOk());
    for (const auto& writer : state->writers()) {
      EXPECT_EQ(writer.missing_size(), 0) << writer.ShortDebugString();
    }
  }

  server::Site site_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(UploadE2eTest, WhatIsReadBackIsIdenticalBothWays) {
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    auto outbox = Outbox::Open(folder_.File(way == UploadWay::kStream ? "one" : "two"));
    ASSERT_THAT(outbox, IsOk());
    OutboxSink to_outbox(**outbox);
    DigestSink digests;
    TeeSink both(to_outbox, digests);
    ASSERT_THAT(PlaySmallRecording(both), IsOk());
    ASSERT_THAT(to_outbox.Finish(), IsOk());
    const uint64_t chunks = (*outbox)->pending_chunks();
    // Stream names are unique within a device.
    if (way == UploadWay::kBundle) EnrolAs("tablet");
    const UploadReport report = Drain(**outbox, way);
    ASSERT_THAT(report.status, IsOk());
    EXPECT_EQ(report.receipts.at(v1::OUTCOME_STORED), chunks);
    EXPECT_EQ((*outbox)->pending_chunks(), 0u);
    const auto sent = digests.Finish();
    const auto signals = v1::SignalService::NewStub(channel_);
    for (const OutboxStream& stream : (*outbox)->Streams()) {
      if (stream.name == OutboxSink::kRecordsStream) continue;
      const auto read =
          ReadBack(*signals, site_.manager_token, identity_->participant_id(), stream.stream_id);
      ASSERT_THAT(read, IsOk()) << stream.name;
      EXPECT_EQ(*read, sent.at(stream.name).summary) << stream.name;
    }
  }
  ExpectNothingMissing();
}

TEST_F(UploadE2eTest, EveryAnswerEndsWithAnEmptyOutbox) {
  struct Row {
    const char* what;
    std::function<void(v1::ChunkBody&)> change;
    v1::Outcome outcome;
  };
  const std::vector<Row> rows = {
      {"good", [](v1::ChunkBody&) {}, v1::OUTCOME_STORED},
      {"unknown version", [](v1::ChunkBody& b) { b.set_version(9); }, v1::OUTCOME_QUARANTINED},
      {"unknown stream version", [](v1::ChunkBody& b) { b.set_stream_version(7); },
       v1::OUTCOME_QUARANTINED},
      {"no payload", [](v1::ChunkBody& b) { b.clear_samples(); }, v1::OUTCOME_QUARANTINED},
      {"records on a sampled stream",
       [](v1::ChunkBody& b) { b.mutable_records()->add_records()->mutable_boot_start(); },
       v1::OUTCOME_QUARANTINED},
      {"no samples", [](v1::ChunkBody& b) { b.mutable_samples()->set_count(0); },
       v1::OUTCOME_QUARANTINED},
      {"2^32-1 samples", [](v1::ChunkBody& b) { b.mutable_samples()->set_count(UINT32_MAX); },
       v1::OUTCOME_QUARANTINED},
      {"missing values", [](v1::ChunkBody& b) { b.mutable_samples()->set_values("abc"); },
       v1::OUTCOME_QUARANTINED},
      {"missing stamps", [](v1::ChunkBody& b) { b.mutable_samples()->set_exact_device_ns("abc"); },
       v1::OUTCOME_QUARANTINED},
      {"short boot", [](v1::ChunkBody& b) { b.set_boot_id("b"); }, v1::OUTCOME_QUARANTINED},
      {"clock out of range", [](v1::ChunkBody& b) { b.set_clock_id(70'000); },
       v1::OUTCOME_QUARANTINED},
      {"scattered stamps",
       [](v1::ChunkBody& b) {
         b.mutable_samples()->set_count(3);
         b.mutable_samples()->set_values("abcdef");
         b.mutable_samples()->set_exact_device_ns(
             Packed<int64_t>({0, 40'000 * kSecondNs, 80'000 * kSecondNs}));
       },
       v1::OUTCOME_QUARANTINED},
  };
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    for (const Row& row : rows) {
      AppendChunk(*outbox_, row.change);
      const UploadReport report = Drain(way);
      ASSERT_THAT(report.status, IsOk()) << row.what;
      EXPECT_EQ(report.chunks_left, 0u) << row.what << ": " << report.note;
      EXPECT_EQ(report.receipts.count(row.outcome), 1u)
          << row.what << ": " << report.receipts.begin()->first;
    }
  }
  ExpectNothingMissing();
}

TEST_F(UploadE2eTest, ABodyThatIsNoMessageIsKeptAsideAndItsNumberGivenUp) {
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    AppendChunk(*outbox_, [](v1::ChunkBody&) {});
    const StreamId stream_id = outbox_->Streams()[0].stream_id;
    ASSERT_THAT(outbox_->Append(stream_id, [](auto&&, uint64_t) { return "\xff\xff\xff"; }),
                IsOk());
    const UploadReport report = Drain(way);
    ASSERT_THAT(report.status, IsOk());
    EXPECT_EQ(report.receipts.at(v1::OUTCOME_REFUSED), 1u);
    EXPECT_EQ(report.chunks_kept, 1u);
    EXPECT_EQ(report.numbers_abandoned, 1u);
    EXPECT_EQ(report.chunks_left, 0u);
  }
  ExpectNothingMissing();
}

TEST_F(UploadE2eTest, ARecordThatIsNotServedYetWaitsAndHoldsUpNothing) {
  v1::StreamDeclaration records;
  records.set_modality(v1::MODALITY_RECORDS);
  const auto declared = outbox_->DeclareStream("device", records);
  ASSERT_THAT(declared, IsOk());
  ASSERT_THAT(outbox_->Append(
                  declared->stream_id,
                  [&](const WriterId& writer, uint64_t number) {
                    v1::ChunkBody body;
                    body.set_version(1);
                    body.set_stream_id(std::string(declared->stream_id.AsBytes()));
                    body.set_stream_version(1);
                    body.set_writer_id(std::string(writer.AsBytes()));
                    body.set_number(number);
                    body.set_boot_id(std::string(16, 'b'));
                    auto* record = body.mutable_records()->add_records();
                    // 16 stands for an event, agreed and not served.
                    v1::Record::GetReflection()->MutableUnknownFields(record)->AddLengthDelimited(
                        16, "");
                    return body.SerializeAsString();
                  }),
              IsOk());
  AppendChunk(*outbox_, [](v1::ChunkBody&) {});
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    const UploadReport report = Drain(way);
    ASSERT_THAT(report.status, IsOk());
    EXPECT_EQ(report.chunks_left, 1u);
    EXPECT_THAT(report.note, ::testing::HasSubstr("NOT_YET_SUPPORTED"));
  }
}

TEST_F(UploadE2eTest, ARestoredOutboxLosesNothing) {
  AppendChunk(*outbox_, [](v1::ChunkBody&) {});
  outbox_.reset();
  // A copy is taken, the original goes on, and then the copy takes its place.
  const std::string copy = folder_.File("copy");
  std::filesystem::copy(identity_->outbox_folder(), copy, std::filesystem::copy_options::recursive);
  {
    auto original = Outbox::Open(identity_->outbox_folder());
    ASSERT_THAT(original, IsOk());
    for (int i = 0; i < 4; ++i) AppendChunk(**original, [](v1::ChunkBody&) {});
    ASSERT_THAT(Drain(**original, UploadWay::kStream).status, IsOk());
  }
  auto restored = Outbox::Open(copy);
  ASSERT_THAT(restored, IsOk());
  AppendChunk(**restored, [](v1::ChunkBody& b) { b.set_clock_id(5); });  // number 1, other bytes
  const UploadReport first = Drain(**restored, UploadWay::kStream);
  ASSERT_THAT(first.status, IsOk());
  EXPECT_EQ(first.writers_started, 1u);
  EXPECT_EQ(first.receipts.at(v1::OUTCOME_DUPLICATE), 1u);
  EXPECT_EQ(first.receipts.at(v1::OUTCOME_QUARANTINED), 1u) << "the other bytes are not lost";
  AppendChunk(**restored, [](v1::ChunkBody&) {});
  const UploadReport second = Drain(**restored, UploadWay::kStream);
  EXPECT_EQ(second.receipts.at(v1::OUTCOME_STORED), 1u);
  ExpectNothingMissing();
}

TEST_F(UploadE2eTest, ARevokedDeviceKeepsItsData) {
  AppendChunk(*outbox_, [](v1::ChunkBody&) {});
  v1::RevokeDeviceRequest revoke;
  revoke.set_request_id(server::NewRequestId());
  revoke.set_participant_id(site_.participant_id);
  revoke.set_device_id(identity_->device_id().ToString());
  ASSERT_THAT(server::Invoke(*devices_, &v1::DeviceService::Stub::RevokeDevice, revoke,
                             site_.manager_token),
              IsOk());
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    const UploadReport report = Drain(way);
    EXPECT_EQ(rpc::ReasonOf(report.status), v1::ERROR_REASON_DEVICE_REVOKED);
    EXPECT_EQ(report.chunks_left, 1u);
  }
}

}  // namespace
}  // namespace tidemark::ingest
