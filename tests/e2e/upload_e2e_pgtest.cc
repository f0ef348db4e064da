// A device's whole way against a real server: enrol, record, upload both ways, read back. Every
// rule of admission is driven in upload_table_pgtest.cc.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <vector>

#include "ingest/client/digest_sink.h"
#include "ingest/client/outbox_sink.h"
#include "ingest/client/read_back.h"
#include "tests/e2e/upload_fixture.h"
#include "tidemark/v1/signal.grpc.pb.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;

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

class UploadE2eTest : public UploadFixture {};

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

// It keeps its key and may do nothing but hand over; what it still has must not exist any more.
TEST_F(UploadE2eTest, ADeviceOfAnErasedParticipantIsToldToDelete) {
  auto outbox = Outbox::Open(folder_.File("one"));
  ASSERT_THAT(outbox, IsOk());
  OutboxSink to_outbox(**outbox);
  ASSERT_THAT(PlaySmallRecording(to_outbox), IsOk());
  ASSERT_THAT(to_outbox.Finish(), IsOk());
  const uint64_t chunks = (*outbox)->pending_chunks();
  EraseParticipant(site_);
  const UploadReport report = Drain(**outbox, UploadWay::kStream);
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.receipts.at(v1::OUTCOME_REFUSED), chunks);
  EXPECT_EQ((*outbox)->pending_chunks(), 0u);
}

// Each way with a device of its own.
TEST_F(UploadE2eTest, ARestoredOutboxLosesNothing) {
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    EnrolAs(way == UploadWay::kStream ? "one" : "two");
    AppendChunk();
    RestoreOutboxAfter([&] {
      for (int i = 0; i < 4; ++i) AppendChunk();
      ASSERT_THAT(Drain(way).status, IsOk());
    });
    AppendChunk([](v1::ChunkBody& b) { b.set_clock_id(5); });  // number 1, other bytes
    const UploadReport first = Drain(way);
    ASSERT_THAT(first.status, IsOk());
    EXPECT_EQ(first.writers_started, 1u);
    EXPECT_EQ(first.receipts.at(v1::OUTCOME_DUPLICATE), 1u);
    EXPECT_EQ(first.receipts.at(v1::OUTCOME_QUARANTINED), 1u) << "the other bytes are not lost";
    AppendChunk();
    const UploadReport second = Drain(way);
    EXPECT_EQ(second.receipts.at(v1::OUTCOME_STORED), 1u);
    EXPECT_EQ(outbox_->pending_chunks(), 0u);
  }
  ExpectNothingMissing();
}

// An app that was reinstalled: the same sensor, numbered anew by a new writer.
TEST_F(UploadE2eTest, TwoWritersOfOneStreamNumberByThemselves) {
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    EnrolAs(way == UploadWay::kStream ? "one" : "two");
    const ChunkRef old_writers = AppendChunk();
    ASSERT_THAT(outbox_->StartNewWriter(old_writers.stream_id), IsOk());
    const ChunkRef new_writers = AppendChunk();
    EXPECT_EQ(old_writers.number, new_writers.number);
    EXPECT_NE(old_writers.writer_id, new_writers.writer_id);
    const UploadReport report = Drain(way);
    ASSERT_THAT(report.status, IsOk());
    EXPECT_EQ(report.receipts.at(v1::OUTCOME_STORED), 2u);
    EXPECT_EQ(report.chunks_left, 0u);
  }
  ExpectNothingMissing();
}

// Every second number is stored; the device lost the bodies of the others, and one waits.
TEST_F(UploadE2eTest, MoreGapsThanTheServerListsAreAllSettled) {
  constexpr uint64_t kRuns = 1'100;
  static_assert(kRuns > kRangesPerListMax);
  const ChunkRef first = AppendChunk();
  ASSERT_THAT(Drain().status, IsOk());
  database_.Execute(
      fmt::format("update stream_state set stored = (select range_agg(int8range(2 * n, 2 * n + 1)) "
                  "from generate_series(0, {} - 1) as n)",
                  kRuns));
  // The newest number that a writer used is the name of a file.
  std::ofstream(identity_->outbox_folder() / first.stream_id.ToString() /
                first.writer_id.ToString() / fmt::format("{:020}.settled", 2 * kRuns - 2));
  outbox_.reset();
  OpenOutbox();
  ASSERT_THAT(outbox_->Append(first.stream_id, first.writer_id,
                              [](auto&&, uint64_t n) {
                                EXPECT_EQ(n, 2 * kRuns - 1);
                                return "\xff\xff";
                              }),
              IsOk());
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_kept, 1u) << "the one that waited";
  EXPECT_EQ(report.numbers_abandoned, kRuns);
  ExpectNothingMissing();
}

TEST_F(UploadE2eTest, ARevokedDeviceKeepsItsData) {
  AppendChunk();
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
