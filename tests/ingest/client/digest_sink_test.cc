#include "ingest/client/digest_sink.h"

#include <gtest/gtest.h>

#include "base/endian.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;

std::string DigestOf(uint64_t counter, const signal::Stamps& stamps, std::string_view values) {
  StreamDigest digest;
  digest.AddSamples(counter, stamps, values);
  return digest.Finish().sha256;
}

TEST(StreamDigest, IsTheDocumentedBytes) {
  std::string bytes;
  AppendLe(bytes, uint64_t{5});
  AppendLe(bytes, uint32_t{2});
  AppendLe(bytes, int64_t{10});
  AppendLe(bytes, int64_t{20});
  bytes += "abcd";
  EXPECT_EQ(DigestOf(5, signal::Stamps::Exact({10, 20}), "abcd"), AsView(Sha256(bytes)));
}

TEST(StreamDigest, RegularStampsCountAsTheStampsTheyStandFor) {
  TM_ASSERT_OK_AND_ASSIGN(const auto regular, signal::Stamps::Regular(0, 10, 4));
  EXPECT_EQ(DigestOf(0, regular, "abcd"),
            DigestOf(0, signal::Stamps::Exact({0, 3, 6, 10}), "abcd"));
}

TEST(StreamDigest, EveryBitCounts) {
  const auto stamps = signal::Stamps::Exact({10, 20});
  const std::string base = DigestOf(5, stamps, "abcd");
  EXPECT_NE(base, DigestOf(6, stamps, "abcd"));
  EXPECT_NE(base, DigestOf(5, signal::Stamps::Exact({10, 21}), "abcd"));
  EXPECT_NE(base, DigestOf(5, stamps, "abce"));
}

TEST(StreamDigest, CountsForPeople) {
  StreamDigest digest;
  digest.AddSamples(0, signal::Stamps::Exact({0, 1'000'000'000}), "abcd");
  digest.AddSamples(2, signal::Stamps::Exact({INT64_MIN, INT64_MAX}), "abcd");
  const auto summary = digest.Finish();
  EXPECT_EQ(summary.runs, 2u);
  EXPECT_EQ(summary.samples, 4u);
  EXPECT_EQ(summary.value_bytes, 8u);
  EXPECT_EQ(summary.stamp_bytes, 32u);
  EXPECT_DOUBLE_EQ(summary.seconds, 1.0);
}

TEST(TeeSink, BothSinksHearTheSame) {
  DigestSink first;
  DigestSink second;
  v1::StreamDeclaration declaration;
  // Handles of the two sinks differ on purpose.
  ASSERT_THAT(second.DeclareStream("other", declaration), IsOk());
  TeeSink tee(first, second);
  TM_ASSERT_OK_AND_ASSIGN(const int a, tee.DeclareStream("a", declaration));
  TM_ASSERT_OK_AND_ASSIGN(const int b, tee.DeclareStream("b", declaration));
  ASSERT_THAT(tee.Append(a, {.stamps = signal::Stamps::Exact({1}), .values = "xy"}), IsOk());
  ASSERT_THAT(tee.AppendEncoded(b, 1, 2, 0, "segment"), IsOk());
  const auto one = first.Finish();
  auto two = second.Finish();
  for (const char* name : {"a", "b"}) EXPECT_EQ(one.at(name).summary, two.at(name).summary);
  EXPECT_NE(one.at("a").summary.sha256, one.at("b").summary.sha256);
}

}  // namespace
}  // namespace tidemark::ingest
