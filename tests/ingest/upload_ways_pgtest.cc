// Bad input, on both ways of upload: each gets the answer of docs/upload.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <functional>

#include "tests/ingest/admission_table.h"
#include "tests/ingest/ingest_service_fixture.h"

namespace tidemark::ingest {
namespace {

using ::testing::SizeIs;

constexpr uint8_t kSampledStream = 1;
constexpr uint8_t kStampedStream = 2;
constexpr uint8_t kRecordsStream = 3;
constexpr uint8_t kForeignStream = 4;  // of another participant's device
constexpr uint8_t kNoStream = 99;

constexpr size_t kBombBytes = size_t{64} << 20;

std::string Zstd(std::string_view plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1));
  return packed;
}

std::string Gzip(std::string_view plain) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, kGzipOnly, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

v1::ChunkEnvelope Compressed(v1::ChunkEnvelope envelope, v1::Compression compression) {
  envelope.set_body(compression == v1::COMPRESSION_ZSTD ? Zstd(envelope.body())
                                                        : Gzip(envelope.body()));
  envelope.set_compression(compression);
  return envelope;
}

// Little and harmless as it comes; what it unfolds to is not.
v1::ChunkEnvelope Bomb(v1::Compression compression, uint32_t declared_bytes) {
  v1::ChunkEnvelope envelope = Compressed(EnvelopeOf(std::string(kBombBytes, '\0')), compression);
  envelope.set_uncompressed_size(declared_bytes);
  return envelope;
}

v1::ChunkEnvelope Truncated(v1::ChunkEnvelope envelope) {
  envelope.mutable_body()->resize(envelope.body().size() / 2);
  return envelope;
}

v1::ChunkBody StampedBody(uint64_t number, const std::vector<int64_t>& stamps) {
  v1::ChunkBody body = SamplesBody(kStampedStream, number, static_cast<uint32_t>(stamps.size()));
  std::string raw;
  for (const int64_t stamp : stamps) AppendLe(raw, stamp);
  body.mutable_samples()->set_exact_device_ns(raw);
  return body;
}

struct BadInput {
  const char* what;
  const char* rule;  // of the table
  std::function<v1::ChunkEnvelope(uint64_t number)> make;
};

// A body of the sampled stream that `change` spoils.
BadInput BadBody(const char* what, const char* rule, std::function<void(v1::ChunkBody&)> change) {
  return {what, rule, [change = std::move(change)](uint64_t number) {
            v1::ChunkBody body = SamplesBody(kSampledStream, number);
            change(body);
            return EnvelopeOf(body);
          }};
}
// An envelope of a good body that `change` spoils.
BadInput BadEnvelope(const char* what, const char* rule,
                     std::function<void(v1::ChunkEnvelope&)> change) {
  return {what, rule, [change = std::move(change)](uint64_t number) {
            v1::ChunkEnvelope envelope = EnvelopeOf(SamplesBody(kSampledStream, number));
            change(envelope);
            return envelope;
          }};
}

std::vector<BadInput> BadEnvelopes() {
  const auto good = [](uint64_t number) { return EnvelopeOf(SamplesBody(kSampledStream, number)); };
  return {
      {"truncated", "size-as-declared", [=](uint64_t n) { return Truncated(good(n)); }},
      {"truncated zstd", "size-as-declared",
       [=](uint64_t n) { return Truncated(Compressed(good(n), v1::COMPRESSION_ZSTD)); }},
      {"truncated gzip", "size-as-declared",
       [=](uint64_t n) { return Truncated(Compressed(good(n), v1::COMPRESSION_GZIP)); }},
      {"zstd bomb, declared small", "size-as-declared",
       [](uint64_t) { return Bomb(v1::COMPRESSION_ZSTD, 1'000); }},
      {"gzip bomb, declared small", "size-as-declared",
       [](uint64_t) { return Bomb(v1::COMPRESSION_GZIP, 1'000); }},
      {"bomb, declared as it is", "body-size",
       [](uint64_t) { return Bomb(v1::COMPRESSION_ZSTD, kBombBytes); }},
      BadEnvelope("oversized", "body-size",
                  [](auto& e) { e = EnvelopeOf(std::string(kBodyBytesMax + 1, 'x')); }),
      BadEnvelope("oversized, declared 2^32 - 1", "body-size",
                  [](auto& e) { e.set_uncompressed_size(UINT32_MAX); }),
      BadEnvelope("zero-length", "body-size", [](auto& e) { e = EnvelopeOf(std::string()); }),
      BadEnvelope("an empty envelope", "compression-known", [](auto& e) { e.Clear(); }),
      BadEnvelope("unknown compression", "compression-known",
                  [](auto& e) { e.set_compression(static_cast<v1::Compression>(77)); }),
      BadEnvelope("wrong-hash", "hash-as-declared",
                  [](auto& e) { e.mutable_sha256()->back() ^= 1; }),
      BadEnvelope("short hash", "hash-well-formed",
                  [](auto& e) { e.mutable_sha256()->pop_back(); }),
      BadEnvelope("long hash", "hash-well-formed",
                  [](auto& e) { e.set_sha256(std::string(1 << 16, 'h')); }),
      BadEnvelope("no message", "key-readable", [](auto& e) { e = EnvelopeOf("\xff\xff\xff"); }),
  };
}

std::vector<BadInput> BadBodies() {
  return {
      BadBody("unknown version", "version-known", [](auto& b) { b.set_version(2); }),
      BadBody("unknown version 0", "version-known", [](auto& b) { b.clear_version(); }),
      BadBody("unknown stream version", "stream-version-known",
              [](auto& b) { b.set_stream_version(2); }),
      BadBody("stream version 2^32 - 1", "stream-version-known",
              [](auto& b) { b.set_stream_version(UINT32_MAX); }),
      {"unknown stream", "stream-known",
       [](uint64_t n) { return EnvelopeOf(SamplesBody(kNoStream, n)); }},
      {"foreign stream", "stream-known",
       [](uint64_t n) { return EnvelopeOf(SamplesBody(kForeignStream, n)); }},
      {"wrong type: samples for records", "payload-kind",
       [](uint64_t n) { return EnvelopeOf(SamplesBody(kRecordsStream, n)); }},
      BadBody("wrong type: records for samples", "payload-kind",
              [](auto& b) { b.mutable_records()->add_records()->mutable_boot_start(); }),
      BadBody("wrong type: an encoded segment", "payload-kind",
              [](auto& b) { b.mutable_encoded()->set_data("x"); }),
      BadBody("wrong type: a stamp per sample", "payload-kind",
              [](auto& b) { b.mutable_samples()->set_exact_device_ns(std::string(800, 's')); }),
      BadBody("wrong type: values of another width", "payload-size",
              [](auto& b) { b.mutable_samples()->mutable_values()->append(400, 'v'); }),
      BadBody("zero samples", "payload-size",
              [](auto& b) {
                b.mutable_samples()->set_count(0);
                b.mutable_samples()->clear_values();
              }),
      BadBody("2^32 - 1 samples", "payload-size",
              [](auto& b) { b.mutable_samples()->set_count(UINT32_MAX); }),
      BadBody("number 2^63", "key-readable", [](auto& b) { b.set_number(uint64_t{1} << 63); }),
      BadBody("zero-length ids", "key-readable", [](auto& b) { b.clear_stream_id(); }),
      BadBody("counter 2^63", "payload-ranges",
              [](auto& b) { b.mutable_samples()->set_first_counter(uint64_t{1} << 63); }),
      BadBody("regular stamps from -2^63 to 2^63 - 1", "stamps-together",
              [](auto& b) {
                b.mutable_samples()->mutable_regular()->set_first_device_ns(INT64_MIN);
                b.mutable_samples()->mutable_regular()->set_last_device_ns(INT64_MAX);
              }),
      BadBody("regular stamps that run backwards from 2^63 - 1", "payload-ranges",
              [](auto& b) {
                b.mutable_samples()->mutable_regular()->set_first_device_ns(INT64_MAX);
                b.mutable_samples()->mutable_regular()->set_last_device_ns(INT64_MIN);
              }),
      BadBody("regular stamps over more than an hour", "span",
              [](auto& b) {
                b.mutable_samples()->mutable_regular()->set_first_device_ns(0);
                b.mutable_samples()->mutable_regular()->set_last_device_ns(3'600'000'000'001);
              }),
      {"stamps all over 2^64", "stamps-together",
       [](uint64_t n) {
         return EnvelopeOf(StampedBody(n, {INT64_MIN, 0, INT64_MAX}));
       }},
      {"one stamp of 2^63 - 1, one of -2^63", "none broken",
       [](uint64_t n) {
         return EnvelopeOf(StampedBody(n, {5, 6, 7, 8, 9, INT64_MAX, INT64_MIN}));
       }},
      {"all stamps at 2^63 - 1", "none broken",
       [](uint64_t n) {
         return EnvelopeOf(StampedBody(n, {INT64_MAX, INT64_MAX, INT64_MAX}));
       }},
  };
}

enum class Way { kStream, kBundle };

class UploadWaysTest : public IngestServiceFixture, public ::testing::WithParamInterface<Way> {
 protected:
  UploadWaysTest() {
    AddStream(sender_, kStampedStream, v1::MODALITY_OTHER, /*stamped=*/true);
    AddStream(sender_, kRecordsStream, v1::MODALITY_RECORDS);
    AddStream(AddDevice(9), kForeignStream);
  }

  Answers Upload(const std::vector<v1::ChunkEnvelope>& envelopes) {
    return GetParam() == Way::kStream ? UploadAll(envelopes) : PutAll(envelopes);
  }
  Answer AnswerTo(const v1::ChunkEnvelope& envelope) {
    const Answers answers = Upload({envelope});
    EXPECT_THAT(answers, SizeIs(1));
    return answers.empty() ? Answer{} : answers.begin()->second;
  }
  Answer AnswerTo(const v1::ChunkBody& body) { return AnswerTo(EnvelopeOf(body)); }

  void ExpectAnswersOfTheTable(const std::vector<BadInput>& inputs) {
    std::map<std::string, AdmissionRow> rows;
    for (const AdmissionRow& row : ReadAdmissionTable()) rows[row.rule] = row;
    uint64_t number = 0;
    for (const BadInput& input : inputs) {
      SCOPED_TRACE(input.what);
      ASSERT_TRUE(rows.contains(input.rule)) << input.rule;
      const AdmissionRow& row = rows[input.rule];
      const Answer answer = AnswerTo(input.make(number++));
      EXPECT_EQ(v1::Outcome_Name(answer.outcome), "OUTCOME_" + row.outcome);
      EXPECT_EQ(v1::DeviceAction_Name(answer.action), "DEVICE_ACTION_" + row.action);
      EXPECT_EQ(v1::ReceiptReason_Name(answer.reason), "RECEIPT_REASON_" + row.reason);
    }
  }
};

constexpr auto kNoReason = v1::RECEIPT_REASON_UNSPECIFIED;

MATCHER_P2(Answered, outcome, reason, "") {
  return arg.outcome == outcome && arg.reason == reason &&
         arg.action == v1::DEVICE_ACTION_MAY_DELETE;
}

INSTANTIATE_TEST_SUITE_P(Ways, UploadWaysTest, ::testing::Values(Way::kStream, Way::kBundle),
                         [](const auto& way) {
                           return way.param == Way::kStream ? "Stream" : "Bundle";
                         });

TEST_P(UploadWaysTest, BadEnvelopesGetTheAnswersOfTheTable) {
  Serve();
  ExpectAnswersOfTheTable(BadEnvelopes());
  EXPECT_EQ(Query("select count(*) from chunk"), "0");
  EXPECT_EQ(Query("select count(*) from quarantine"), "0");
}

TEST_P(UploadWaysTest, BadBodiesGetTheAnswersOfTheTable) {
  Serve();
  ExpectAnswersOfTheTable(BadBodies());
  EXPECT_EQ(Query("select count(*) from chunk"), "2") << "those with stamps that are only odd";
}

TEST_P(UploadWaysTest, TheSameNumberWithAnotherHashBootOrStampIsAConflict) {
  Serve();
  const v1::ChunkBody first = SamplesBody(kSampledStream, 0);
  EXPECT_THAT(AnswerTo(first), Answered(v1::OUTCOME_STORED, kNoReason));
  v1::ChunkBody values = first;
  values.mutable_samples()->mutable_values()->back() ^= 1;
  v1::ChunkBody boot = first;
  boot.set_boot_id(std::string(16, 'b'));
  v1::ChunkBody stamp = first;
  stamp.mutable_samples()->mutable_regular()->set_last_device_ns(
      first.samples().regular().last_device_ns() + 1);
  for (const v1::ChunkBody& other : {values, boot, stamp}) {
    for (int twice = 0; twice < 2; ++twice) {
      EXPECT_THAT(AnswerTo(other), Answered(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_CONFLICT));
    }
  }
  EXPECT_THAT(AnswerTo(first), Answered(v1::OUTCOME_DUPLICATE, kNoReason));
  EXPECT_EQ(Query("select count(*) from chunk"), "1");
  EXPECT_EQ(Query("select count(*) from quarantine"), "3") << "each body is kept, once";
}

TEST_P(UploadWaysTest, TwoWritersOfOneStreamNumberByThemselves) {
  Serve();
  const v1::ChunkBody mine = SamplesBody(kSampledStream, 0);
  v1::ChunkBody theirs = mine;
  theirs.set_writer_id(std::string(16, 'w'));
  for (const auto& [hash, answer] : Upload({EnvelopeOf(mine), EnvelopeOf(theirs)})) {
    EXPECT_THAT(answer, Answered(v1::OUTCOME_STORED, kNoReason));
  }
  EXPECT_EQ(Query("select count(distinct writer_id) from chunk"), "2");
  EXPECT_EQ(Query("select string_agg(stored::text, ' ') from stream_state"), "{[0,1)} {[0,1)}");
}

TEST_P(UploadWaysTest, OneBadChunkHoldsUpNoOther) {
  Serve();
  v1::ChunkEnvelope damaged = EnvelopeOf(SamplesBody(kSampledStream, 1));
  damaged.mutable_body()->back() ^= 1;
  const Answers answers = Upload({EnvelopeOf(SamplesBody(kSampledStream, 0)), damaged,
                                  EnvelopeOf(SamplesBody(kSampledStream, 2))});
  EXPECT_THAT(answers, SizeIs(3));
  EXPECT_EQ(Query("select stored from stream_state"), "{[0,1),[2,3)}");
}

}  // namespace
}  // namespace tidemark::ingest
