#include "store/body.h"

#include <random>

#include "base/endian.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using signal::SampleType;
using support::StatusIs;

struct Case {
  ChunkRow row;
  signal::Block block;
};

std::string Exact(const signal::Stamps& stamps) {
  std::string bytes;
  for (const int64_t stamp : stamps.ToVector()) AppendLe(bytes, stamp);
  return bytes;
}

std::string ByProtobuf(const Case& c) {
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(std::string(c.row.stream_id.AsBytes()));
  body.set_stream_version(static_cast<uint32_t>(c.row.stream_version));
  body.set_writer_id(std::string(c.row.writer_id.AsBytes()));
  body.set_number(static_cast<uint64_t>(c.row.number));
  body.set_boot_id(std::string(c.row.boot_id.AsBytes()));
  body.set_clock_id(static_cast<uint32_t>(c.row.clock_id));
  v1::Samples& samples = *body.mutable_samples();
  samples.set_first_counter(static_cast<uint64_t>(c.row.first_counter));
  samples.set_count(static_cast<uint32_t>(c.block.count()));
  samples.set_values(c.block.values);
  if (c.block.stamps.is_regular()) {
    samples.mutable_regular()->set_first_device_ns(c.block.stamps.first_ns());
    samples.mutable_regular()->set_last_device_ns(c.block.stamps.last_ns());
  } else {
    samples.set_exact_device_ns(Exact(c.block.stamps));
  }
  return body.SerializeAsString();
}

// A number that is often zero, small, or as large as it may be.
int64_t OddNumber(std::mt19937_64& random, int bits) {
  switch (random() % 4) {
    case 0:
      return 0;
    case 1:
      return static_cast<int64_t>(random() % 300);
    case 2:
      return (int64_t{1} << bits) - 1;
    default:
      return static_cast<int64_t>(random() >> (64 - bits));
  }
}

Case RandomCase(std::mt19937_64& random) {
  Case c;
  c.row.stream_id = random() % 8 == 0 ? StreamId{} : StreamId::MakeV7();
  c.row.writer_id = WriterId::MakeRandom();
  c.row.boot_id = BootId::MakeRandom();
  c.row.stream_version = static_cast<int32_t>(1 + OddNumber(random, 30));
  c.row.number = OddNumber(random, 62);
  c.row.clock_id = static_cast<int32_t>(OddNumber(random, 16));
  c.row.first_counter = OddNumber(random, 62);
  const size_t count = 1 + random() % (random() % 10 == 0 ? 5'000 : 40);
  c.block.values.resize(count * 6);
  for (char& byte : c.block.values) byte = static_cast<char>(random());
  if (random() % 2 == 0) {
    const int64_t first = random() % 3 == 0 ? 0 : static_cast<int64_t>(random());
    const int64_t last = count == 1 ? first : std::max(first, static_cast<int64_t>(random() % 9));
    c.block.stamps = *signal::Stamps::Regular(first, last, count);
  } else {
    std::vector<int64_t> stamps(count);
    for (int64_t& stamp : stamps) stamp = static_cast<int64_t>(random());
    c.block.stamps = signal::Stamps::Exact(stamps);
  }
  return c;
}

TEST(Body, IsByteForByteWhatProtobufWrites) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 3'000; ++round) {
    const Case c = RandomCase(random);
    ASSERT_EQ(RebuildBody(c.row, c.block), ByProtobuf(c)) << "round " << round;
  }
}

TEST(Body, SamplesStoredWholeComeBack) {
  std::mt19937_64 random(12);
  const std::vector<SampleType> types = {SampleType::kInt16, SampleType::kInt32};
  for (int round = 0; round < 200; ++round) {
    const Case c = RandomCase(random);
    TM_ASSERT_OK_AND_ASSIGN(const signal::Block block, SamplesOfBody(ByProtobuf(c), types));
    EXPECT_EQ(block.stamps, c.block.stamps);
    EXPECT_EQ(block.values, c.block.values);
  }
}

TEST(Body, WhatIsNoBodyOfSamplesIsDataLoss) {
  std::mt19937_64 random(13);
  const Case c = RandomCase(random);
  const std::vector<SampleType> other = {SampleType::kInt16};
  EXPECT_THAT(SamplesOfBody(ByProtobuf(c), other), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(SamplesOfBody("", other), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(SamplesOfBody("\xFF", other), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(EncodedOfBody(ByProtobuf(c)), StatusIs(StatusCode::kDataLoss));

  v1::ChunkBody lying;
  lying.mutable_samples()->set_count(3);
  lying.mutable_samples()->set_values("123456");
  lying.mutable_samples()->set_exact_device_ns("12345678");
  EXPECT_THAT(SamplesOfBody(lying.SerializeAsString(), other), StatusIs(StatusCode::kDataLoss));
}

TEST(Body, EncodedSegmentsComeBack) {
  v1::ChunkBody body;
  body.mutable_encoded()->set_begin_device_ns(-5);
  body.mutable_encoded()->set_end_device_ns(7);
  body.mutable_encoded()->set_data("frames");
  TM_ASSERT_OK_AND_ASSIGN(const EncodedSegment segment, EncodedOfBody(body.SerializeAsString()));
  EXPECT_EQ(segment.begin_device_ns, -5);
  EXPECT_EQ(segment.end_device_ns, 7);
  EXPECT_EQ(segment.data, "frames");
}

}  // namespace
}  // namespace tidemark::store
