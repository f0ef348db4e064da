#include "ingest/bundle.h"

#include <gmock/gmock.h>

#include "base/endian.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::ChunkEnvelope Envelope(const std::string& body) {
  v1::ChunkEnvelope envelope;
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_uncompressed_size(static_cast<uint32_t>(body.size()));
  envelope.set_sha256(std::string(32, 's'));
  envelope.set_body(body);
  return envelope;
}

std::string BundleOf(int entries) {
  BundleWriter writer;
  for (int i = 0; i < entries; ++i) EXPECT_TRUE(writer.TryAdd(Envelope(std::string(100, 'a'))));
  return writer.Take();
}

TEST(BundleTest, WhatIsWrittenIsRead) {
  BundleWriter writer;
  ASSERT_TRUE(writer.TryAdd(Envelope("first")));
  ASSERT_TRUE(writer.TryAdd(Envelope(std::string("\0second", 7))));
  EXPECT_EQ(writer.entries(), 2u);
  const size_t bytes = writer.bytes();
  const std::string raw = writer.Take();
  EXPECT_EQ(raw.size(), bytes);
  EXPECT_EQ(raw.substr(0, 4), "TMB1");
  EXPECT_EQ(writer.entries(), 0u);

  TM_ASSERT_OK_AND_ASSIGN(const Bundle bundle, ParseBundle(raw));
  EXPECT_FALSE(bundle.truncated);
  ASSERT_THAT(bundle.envelopes, SizeIs(2));
  EXPECT_EQ(bundle.envelopes[0].body(), "first");
  EXPECT_EQ(bundle.envelopes[1].body(), std::string("\0second", 7));
}

TEST(BundleTest, CutAnywhereItGivesTheWholeEntriesBeforeTheCut) {
  const std::string raw = BundleOf(3);
  const size_t entry = (raw.size() - 4) / 3;
  for (size_t cut = 0; cut < raw.size(); ++cut) {
    TM_ASSERT_OK_AND_ASSIGN(const Bundle bundle, ParseBundle(raw.substr(0, cut)));
    const size_t whole = cut < 4 ? 0 : (cut - 4) / entry;
    EXPECT_THAT(bundle.envelopes, SizeIs(whole)) << cut;
    EXPECT_EQ(bundle.truncated, cut < 4 || (cut - 4) % entry != 0) << cut;
  }
}

TEST(BundleTest, AnEntryThatIsNoEnvelopeLeavesTheOthersStanding) {
  std::string raw = BundleOf(1);
  AppendLe(raw, uint32_t{3});
  raw += "\xff\xff\xff";
  raw += BundleOf(1).substr(4);
  TM_ASSERT_OK_AND_ASSIGN(const Bundle bundle, ParseBundle(raw));
  ASSERT_THAT(bundle.envelopes, SizeIs(3));
  EXPECT_THAT(bundle.envelopes[1].sha256(), IsEmpty());
  EXPECT_THAT(bundle.envelopes[2].body(), SizeIs(100));
}

TEST(BundleTest, RefusesAnotherMagicAndTooMuch) {
  EXPECT_THAT(ParseBundle("TMB2"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("TMB1")));
  EXPECT_THAT(ParseBundle("{}"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseBundle(std::string(kBundleBytesMax + 1, 'T')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("8 MiB")));
  std::string raw(kBundleMagic);
  for (size_t i = 0; i <= kBundleEntriesMax; ++i) AppendLe(raw, uint32_t{0});
  EXPECT_THAT(ParseBundle(raw), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4096")));
}

TEST(BundleTest, TheWriterKeepsTheLimits) {
  BundleWriter writer;
  const v1::ChunkEnvelope large = Envelope(std::string(3 << 20, 'x'));
  EXPECT_TRUE(writer.TryAdd(large));
  EXPECT_TRUE(writer.TryAdd(large));
  EXPECT_FALSE(writer.TryAdd(large));
  EXPECT_TRUE(writer.TryAdd(Envelope("small")));
  EXPECT_LE(writer.bytes(), kBundleBytesMax);

  BundleWriter many;
  for (size_t i = 0; i < kBundleEntriesMax; ++i) ASSERT_TRUE(many.TryAdd(v1::ChunkEnvelope()));
  EXPECT_FALSE(many.TryAdd(v1::ChunkEnvelope()));
}

}  // namespace
}  // namespace tidemark::ingest
