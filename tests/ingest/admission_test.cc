#include "ingest/admission.h"

#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/signal/codec.h"
#include "store/body.h"
#include "tests/ingest/admission_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Zstd(std::string_view plain) {
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 1));
  return out;
}

std::string Gzip(std::string_view plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Admission of one sender with one stream of each kind.
class AdmissionTest : public ::testing::Test {
 protected:
  Decision AdmitIt(v1::ChunkEnvelope envelope) {
    auto decision = scene_.Try(std::move(envelope));
    EXPECT_TRUE(decision.ok()) << decision.status();
    return *std::move(decision);
  }
  Decision AdmitIt(const v1::ChunkBody& body) { return AdmitIt(EnvelopeOf(body)); }

  static Verdict VerdictOf(const Decision& decision) {
    if (const auto* broken = std::get_if<SetAside>(&decision.what)) {
      EXPECT_THAT(broken->detail, ::testing::Not(IsEmpty()));
    }
    return AdmissionScene::VerdictOf(decision);
  }

  void ExpectQuarantined(const v1::ChunkBody& body, v1::ReceiptReason reason) {
    const Decision decision = AdmitIt(body);
    EXPECT_EQ(VerdictOf(decision).reason, reason) << body.ShortDebugString();
    EXPECT_EQ(VerdictOf(decision).outcome, v1::OUTCOME_QUARANTINED);
    EXPECT_TRUE(decision.key.has_value());
    EXPECT_EQ(decision.body, body.SerializeAsString());
  }

  AdmissionScene scene_;
  const Sender& sender_ = scene_.sender;
};

TEST_F(AdmissionTest, SamplesAreEncodedSoThatTheBodyCanBeRebuilt) {
  const v1::ChunkBody body = SamplesBody(kSampled, 7);
  const Decision decision = AdmitIt(body);
  const auto* chunk = std::get_if<AdmittedChunk>(&decision.what);
  ASSERT_NE(chunk, nullptr);
  EXPECT_EQ(decision.key->number, 7);
  EXPECT_EQ(chunk->row.sample_count, 100);
  EXPECT_EQ(chunk->row.first_counter, 700);
  EXPECT_EQ(chunk->row.t_min_ns, 7'000'000'000);
  EXPECT_EQ(chunk->row.t_max_ns, 7'990'000'000);
  EXPECT_EQ(chunk->row.flags, 0);
  EXPECT_EQ(AsView(chunk->row.sha256), decision.sha256);
  ASSERT_EQ(chunk->slot.form, store::SlotForm::kBlock);
  const auto types = StreamOf(sender_, kSampled).channel_types();
  TM_ASSERT_OK_AND_ASSIGN(const signal::Block block,
                          signal::DecodeBlock(types, chunk->slot.bytes, 100));
  EXPECT_EQ(store::RebuildBody(chunk->row, block), body.SerializeAsString());
  TM_ASSERT_OK_AND_ASSIGN(const auto buckets, signal::DecodeBuckets(types, chunk->tiles));
  EXPECT_THAT(buckets, SizeIs(2));
}

TEST_F(AdmissionTest, ABodyWrittenInAnotherOrderIsStoredWhole) {
  v1::ChunkBody tail;
  tail.set_version(1);
  v1::ChunkBody head = SamplesBody(kSampled, 1);
  head.clear_version();
  const std::string raw = head.SerializeAsString() + tail.SerializeAsString();
  const Decision decision = AdmitIt(EnvelopeOf(raw));
  const auto* chunk = std::get_if<AdmittedChunk>(&decision.what);
  ASSERT_NE(chunk, nullptr);
  ASSERT_EQ(chunk->slot.form, store::SlotForm::kBody);
  EXPECT_THAT(store::DecompressBody(chunk->slot.bytes, kBodyBytesMax),
              support::IsOkAndHolds(Eq(raw)));
}

TEST_F(AdmissionTest, BothCompressionsLeadToTheSameBody) {
  const v1::ChunkBody body = SamplesBody(kSampled, 1);
  const std::string raw = body.SerializeAsString();
  for (const auto compression : {v1::COMPRESSION_ZSTD, v1::COMPRESSION_GZIP}) {
    v1::ChunkEnvelope envelope = EnvelopeOf(raw);
    envelope.set_compression(compression);
    envelope.set_body(compression == v1::COMPRESSION_ZSTD ? Zstd(raw) : Gzip(raw));
    const Decision decision = AdmitIt(envelope);
    EXPECT_EQ(VerdictOf(decision), Verdict::Stored()) << compression;
    EXPECT_EQ(decision.body, raw);
    // Cut anywhere, or with something after it, it did not arrive as it was sent.
    v1::ChunkEnvelope cut = envelope;
    for (size_t size = 0; size < envelope.body().size(); ++size) {
      cut.set_body(envelope.body().substr(0, size));
      ASSERT_EQ(VerdictOf(AdmitIt(cut)), Verdict::Damaged(v1::RECEIPT_REASON_SIZE_MISMATCH))
          << size;
    }
    cut.set_body(envelope.body() + "x");
    EXPECT_EQ(VerdictOf(AdmitIt(cut)), Verdict::Damaged(v1::RECEIPT_REASON_SIZE_MISMATCH));
    cut.set_body(envelope.body() + envelope.body());
    EXPECT_EQ(VerdictOf(AdmitIt(cut)), Verdict::Damaged(v1::RECEIPT_REASON_SIZE_MISMATCH));
  }
}

TEST_F(AdmissionTest, ABombTakesNoMoreThanItDeclares) {
  const std::string bomb(size_t{64} << 20, '\0');
  for (const auto compression : {v1::COMPRESSION_ZSTD, v1::COMPRESSION_GZIP}) {
    v1::ChunkEnvelope envelope = EnvelopeOf("x");
    envelope.set_compression(compression);
    envelope.set_body(compression == v1::COMPRESSION_ZSTD ? Zstd(bomb) : Gzip(bomb));
    envelope.set_uncompressed_size(1'000);
    EXPECT_EQ(VerdictOf(AdmitIt(envelope)), Verdict::Damaged(v1::RECEIPT_REASON_SIZE_MISMATCH));
    envelope.set_uncompressed_size(uint32_t{64} << 20);
    EXPECT_EQ(VerdictOf(AdmitIt(envelope)), Verdict::KeepAndReport(v1::RECEIPT_REASON_BODY_SIZE));
  }
}

TEST_F(AdmissionTest, Envelopes) {
  const v1::ChunkEnvelope good = EnvelopeOf(SamplesBody(kSampled, 1));
  v1::ChunkEnvelope envelope = good;
  envelope.set_compression(v1::COMPRESSION_UNSPECIFIED);
  EXPECT_EQ(VerdictOf(AdmitIt(envelope)),
            Verdict::KeepAndReport(v1::RECEIPT_REASON_COMPRESSION_UNKNOWN));
  envelope.set_compression(static_cast<v1::Compression>(99));
  EXPECT_EQ(VerdictOf(AdmitIt(envelope)),
            Verdict::KeepAndReport(v1::RECEIPT_REASON_COMPRESSION_UNKNOWN));
  envelope = good;
  envelope.set_sha256(std::string(100'000, 'h'));
  const Decision malformed = AdmitIt(envelope);
  EXPECT_EQ(VerdictOf(malformed), Verdict::KeepAndReport(v1::RECEIPT_REASON_HASH_MALFORMED));
  EXPECT_LE(malformed.sha256.size(), 64u);
  envelope = good;
  envelope.set_uncompressed_size(0);
  EXPECT_EQ(VerdictOf(AdmitIt(envelope)), Verdict::KeepAndReport(v1::RECEIPT_REASON_BODY_SIZE));
  envelope = EnvelopeOf(std::string(kBodyBytesMax + 1, 'x'));
  EXPECT_EQ(VerdictOf(AdmitIt(envelope)), Verdict::KeepAndReport(v1::RECEIPT_REASON_BODY_SIZE));
  envelope = good;
  envelope.mutable_body()->pop_back();
  EXPECT_EQ(VerdictOf(AdmitIt(envelope)), Verdict::Damaged(v1::RECEIPT_REASON_SIZE_MISMATCH));
  envelope = good;
  envelope.mutable_body()->back() ^= 1;
  EXPECT_EQ(VerdictOf(AdmitIt(envelope)), Verdict::Damaged(v1::RECEIPT_REASON_HASH_MISMATCH));
}

TEST_F(AdmissionTest, BodiesThatDoNotNameTheirChunkAreRefused) {
  const auto unreadable = Verdict::KeepAndReport(v1::RECEIPT_REASON_BODY_UNREADABLE);
  EXPECT_EQ(VerdictOf(AdmitIt(EnvelopeOf("\xff\xff"))), unreadable);
  v1::ChunkBody body = SamplesBody(kSampled, 1);
  body.set_writer_id("short");
  EXPECT_EQ(VerdictOf(AdmitIt(body)), unreadable);
  body = SamplesBody(kSampled, uint64_t{1} << 62);
  EXPECT_EQ(VerdictOf(AdmitIt(body)), unreadable);
  body = SamplesBody(kSampled, 1);
  body.set_number((uint64_t{1} << 62) - 1);
  EXPECT_EQ(VerdictOf(AdmitIt(body)).outcome, v1::OUTCOME_STORED);
}

TEST_F(AdmissionTest, WhatIsNotUnderstoodIsQuarantinedWhole) {
  v1::ChunkBody body = SamplesBody(kSampled, 1);
  body.set_version(2);
  ExpectQuarantined(body, v1::RECEIPT_REASON_VERSION_UNKNOWN);
  body = SamplesBody(kSampled, 1);
  body.GetReflection()->MutableUnknownFields(&body)->AddVarint(77, 1);
  ExpectQuarantined(body, v1::RECEIPT_REASON_VERSION_UNKNOWN);
  body = SamplesBody(kSampled, 1);
  v1::RegularStamps& deep = *body.mutable_samples()->mutable_regular();
  deep.GetReflection()->MutableUnknownFields(&deep)->AddVarint(9, 1);
  ExpectQuarantined(body, v1::RECEIPT_REASON_VERSION_UNKNOWN);
  body = RecordsBody();
  v1::Record& record = *body.mutable_records()->mutable_records(1);
  record.GetReflection()->MutableUnknownFields(&record)->AddLengthDelimited(40, "x");
  ExpectQuarantined(body, v1::RECEIPT_REASON_VERSION_UNKNOWN);
}

TEST_F(AdmissionTest, APayloadThatDoesNotParseStillNamesItsChunk) {
  v1::ChunkBody head = SamplesBody(kSampled, 4);
  head.clear_samples();
  std::string raw = head.SerializeAsString();
  raw += std::string("\x42\x02\x08\xff", 4);  // samples of two bytes: a varint without end
  const Decision decision = AdmitIt(EnvelopeOf(raw));
  EXPECT_EQ(VerdictOf(decision), Verdict::Quarantined(v1::RECEIPT_REASON_BODY_UNREADABLE));
  EXPECT_EQ(decision.key->number, 4);
}

TEST_F(AdmissionTest, AgreedRecordsWaitOnTheDevice) {
  for (const int field : {16, 17, 31}) {
    v1::ChunkBody body = RecordsBody();
    v1::Record& record = *body.mutable_records()->add_records();
    record.GetReflection()->MutableUnknownFields(&record)->AddLengthDelimited(field, "x");
    const Decision decision = AdmitIt(body);
    EXPECT_EQ(VerdictOf(decision).action, v1::DEVICE_ACTION_RETRY_AFTER);
    EXPECT_EQ(VerdictOf(decision).reason, v1::RECEIPT_REASON_NOT_YET_SUPPORTED);
    EXPECT_GT(VerdictOf(decision).retry_after_ms, 0u);
  }
}

TEST_F(AdmissionTest, StreamsOfOthersAreAsUnknownAsNone) {
  v1::ChunkBody body = SamplesBody(99, 1);
  ExpectQuarantined(body, v1::RECEIPT_REASON_STREAM_UNKNOWN);
  body = SamplesBody(kForeign, 1);
  ExpectQuarantined(body, v1::RECEIPT_REASON_STREAM_UNKNOWN);
  body.set_stream_version(2);
  ExpectQuarantined(body, v1::RECEIPT_REASON_STREAM_UNKNOWN);
  body = SamplesBody(kSampled, 1);
  for (const uint32_t version : {0u, 2u, 0xFFFFFFFFu}) {
    body.set_stream_version(version);
    const Decision decision = AdmitIt(body);
    EXPECT_EQ(VerdictOf(decision).outcome, v1::OUTCOME_QUARANTINED) << version;
  }
  body.set_stream_version(2);
  ExpectQuarantined(body, v1::RECEIPT_REASON_STREAM_VERSION_UNKNOWN);
}

TEST_F(AdmissionTest, Kinds) {
  v1::ChunkBody body = SamplesBody(kRecords, 1);
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_KIND);
  body = SamplesBody(kSampled, 1);
  body.clear_payload();
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_KIND);
  body = SamplesBody(kSampled, 1);
  body.mutable_samples()->clear_stamps();
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_KIND);
  body = SamplesBody(kStamped, 1);
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_KIND);
  body = RecordsBody();
  body.mutable_records()->add_records();
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_KIND);
}

TEST_F(AdmissionTest, SizesAndCounts) {
  v1::ChunkBody body = SamplesBody(kSampled, 1);
  body.mutable_samples()->set_count(0);
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_SIZE);
  body.mutable_samples()->set_count(101);
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_SIZE);
  body.mutable_samples()->set_count(0xFFFFFFFF);
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_SIZE);
  body = SamplesBody(kSampled, 1, 65'536);
  EXPECT_EQ(VerdictOf(AdmitIt(body)), Verdict::Stored());
  body = SamplesBody(kSampled, 1, 65'537);
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_SIZE);
  body = StampedBody({1, 2, 3});
  body.mutable_samples()->mutable_exact_device_ns()->pop_back();
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_SIZE);
  body = EncodedBody();
  body.mutable_encoded()->clear_data();
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_SIZE);
  body = RecordsBody();
  body.mutable_records()->clear_records();
  ExpectQuarantined(body, v1::RECEIPT_REASON_PAYLOAD_SIZE);
}

TEST_F(AdmissionTest, Ranges) {
  v1::ChunkBody body = SamplesBody(kSampled, 1);
  body.set_boot_id("short");
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
  body = SamplesBody(kSampled, 1);
  body.set_clock_id(65'536);
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
  body = SamplesBody(kSampled, 1);
  body.mutable_samples()->set_first_counter(uint64_t{1} << 62);
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
  body = SamplesBody(kSampled, 1);
  body.mutable_samples()->mutable_regular()->set_last_device_ns(0);
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
  body = SamplesBody(kSampled, 1, 1);
  body.mutable_samples()->mutable_regular()->set_last_device_ns(2'000'000'000);
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
  body = EncodedBody();
  body.mutable_encoded()->set_end_device_ns(10);
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
  body = RecordsBody();
  body.mutable_records()->mutable_records(1)->mutable_clock_pair()->set_utc_offset_s(86'401);
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
  body = RecordsBody();
  body.mutable_records()->mutable_records(0)->mutable_boot_start()->set_app_version(
      std::string(65, 'v'));
  ExpectQuarantined(body, v1::RECEIPT_REASON_FIELD_RANGE);
}

TEST_F(AdmissionTest, StampsOfAnyKindAreStoredUnlessNobodyCouldFindThem) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const Decision odd = AdmitIt(StampedBody({5, 5, 4, kMax, kMin, 6, 7, 8}));
  const auto* chunk = std::get_if<AdmittedChunk>(&odd.what);
  ASSERT_NE(chunk, nullptr);
  EXPECT_EQ(chunk->row.outlier_stamps, 2);
  EXPECT_EQ(chunk->row.flags, store::kFlagRepeatedStamp | store::kFlagBackwardStamp);
  EXPECT_EQ(chunk->row.t_min_ns, 4);
  EXPECT_EQ(chunk->row.t_max_ns, 8);

  EXPECT_EQ(VerdictOf(AdmitIt(StampedBody({kMax, kMax, kMax}))), Verdict::Stored());
  ExpectQuarantined(StampedBody({kMin, 0, kMax}), v1::RECEIPT_REASON_STAMPS_SCATTERED);
  v1::ChunkBody body = SamplesBody(kSampled, 1);
  body.mutable_samples()->mutable_regular()->set_first_device_ns(kMin);
  body.mutable_samples()->mutable_regular()->set_last_device_ns(kMax);
  ExpectQuarantined(body, v1::RECEIPT_REASON_STAMPS_SCATTERED);
  // Most of them lie within half an hour of the median, but the ends do not.
  constexpr int64_t kHourNs = 3'600'000'000'000;
  body.mutable_samples()->mutable_regular()->set_first_device_ns(0);
  body.mutable_samples()->mutable_regular()->set_last_device_ns(kHourNs + 1);
  ExpectQuarantined(body, v1::RECEIPT_REASON_SPAN_TOO_LONG);
  body.mutable_samples()->mutable_regular()->set_last_device_ns(kHourNs);
  EXPECT_EQ(VerdictOf(AdmitIt(body)), Verdict::Stored());
  body = EncodedBody();
  body.mutable_encoded()->set_begin_device_ns(kMin);
  body.mutable_encoded()->set_end_device_ns(kMax);
  ExpectQuarantined(body, v1::RECEIPT_REASON_SPAN_TOO_LONG);
}

TEST_F(AdmissionTest, NanAndInfinityKeepEveryBit) {
  v1::ChunkBody body = SamplesBody(kFloats, 1, 4);
  std::string values;
  AppendLe(values, uint64_t{0x7FF8'0000'DEAD'BEEF});
  AppendLe(values, uint64_t{0xFFF0'0000'0000'0000});
  AppendLe(values, uint64_t{0x8000'0000'0000'0000});
  AppendLe(values, uint64_t{0x7FF0'0000'0000'0001});
  body.mutable_samples()->set_values(values);
  const Decision decision = AdmitIt(body);
  const auto* chunk = std::get_if<AdmittedChunk>(&decision.what);
  ASSERT_NE(chunk, nullptr);
  const signal::SampleType types[] = {signal::SampleType::kFloat64};
  TM_ASSERT_OK_AND_ASSIGN(const signal::Block block,
                          signal::DecodeBlock(types, chunk->slot.bytes, 4));
  EXPECT_EQ(block.values, values);
}

TEST_F(AdmissionTest, RecordsFillTheTablesOfTime) {
  const Decision decision = AdmitIt(RecordsBody());
  const auto* chunk = std::get_if<AdmittedChunk>(&decision.what);
  ASSERT_NE(chunk, nullptr);
  ASSERT_THAT(chunk->clock_readings, SizeIs(2));
  EXPECT_TRUE(chunk->clock_readings[0].is_boot_start);
  EXPECT_EQ(chunk->clock_readings[1].clock_id, 3);
  EXPECT_EQ(chunk->clock_readings[1].sensor_ns, 100);
  EXPECT_EQ(chunk->clock_readings[1].utc_offset_s, -3600);
  ASSERT_THAT(chunk->probes, SizeIs(1));
  EXPECT_EQ(chunk->probes[0].entry, 2);
  EXPECT_EQ(chunk->row.t_min_ns, 5);
  EXPECT_EQ(chunk->row.t_max_ns, 5);
}

TEST_F(AdmissionTest, AnErrorOfTheCatalogDecidesNothing) {
  scene_.broken = absl::UnavailableError("down");
  EXPECT_THAT(scene_.Try(EnvelopeOf(SamplesBody(kSampled, 1))),
              support::StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(AdmissionTest, GarbageNeverHurts) {
  std::mt19937_64 random(7);
  const std::string good[] = {SamplesBody(kSampled, 1).SerializeAsString(),
                              RecordsBody().SerializeAsString(), EncodedBody().SerializeAsString(),
                              StampedBody({1, 2, 3}).SerializeAsString()};
  for (int i = 0; i < 20'000; ++i) {
    std::string raw = good[random() % std::size(good)];
    for (uint64_t changes = 1 + random() % 8; changes > 0; --changes) {
      raw[random() % raw.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) raw.resize(1 + random() % raw.size());
    const Decision decision = AdmitIt(EnvelopeOf(raw));
    ASSERT_EQ(decision.sha256.size(), 32u);
    ASSERT_TRUE(decision.key.has_value() || std::holds_alternative<Verdict>(decision.what));
  }
}

}  // namespace
}  // namespace tidemark::ingest
