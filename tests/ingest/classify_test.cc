#include "ingest/classify.h"

#include <gtest/gtest.h>

namespace tidemark::ingest {
namespace {

constexpr auto kConflict = v1::RECEIPT_REASON_CONFLICT;
constexpr auto kBadSize = v1::RECEIPT_REASON_PAYLOAD_SIZE;

Decision Good() { return {"this", ChunkKey{}, "body", AdmittedChunk{}}; }
Decision Bad() { return {"this", ChunkKey{}, "body", SetAside{kBadSize, "rule"}}; }

TEST(ClassifyTest, AFreeNumber) {
  const NumberFacts free{.own_outbox = true};
  EXPECT_EQ(Classify(Good(), free, {}).fate, Fate::kStore);
  const Classified bad = Classify(Bad(), free, {});
  EXPECT_EQ(bad.fate, Fate::kSetAside);
  EXPECT_EQ(bad.reason, kBadSize);
  EXPECT_EQ(bad.detail, "rule");
  EXPECT_TRUE(bad.settles_number);
  EXPECT_FALSE(Classify(Bad(), {.own_outbox = false}, {}).settles_number);
  EXPECT_EQ(Classify(Bad(), free, kBadSize).fate, Fate::kAlreadySetAside);
}

TEST(ClassifyTest, AStoredNumber) {
  const NumberFacts same{.stored = true, .own_outbox = true, .stored_sha256 = "this"};
  EXPECT_EQ(Classify(Good(), same, {}).fate, Fate::kDuplicate);
  EXPECT_EQ(Classify(Good(), same, kConflict).fate, Fate::kDuplicate);
  const NumberFacts other{.stored = true, .own_outbox = true, .stored_sha256 = "that"};
  const Classified conflict = Classify(Good(), other, {});
  EXPECT_EQ(conflict.fate, Fate::kSetAside);
  EXPECT_EQ(conflict.reason, kConflict);
  EXPECT_FALSE(conflict.settles_number);
  EXPECT_EQ(Classify(Good(), other, kConflict).fate, Fate::kAlreadySetAside);
  EXPECT_EQ(Classify(Bad(), other, {}).reason, kBadSize);
}

TEST(ClassifyTest, AQuarantinedOrAbandonedNumber) {
  const NumberFacts quarantined{.quarantined = true, .own_outbox = true, .stored_sha256 = {}};
  EXPECT_EQ(Classify(Good(), quarantined, {}).reason, kConflict);
  EXPECT_EQ(Classify(Good(), quarantined, kBadSize).fate, Fate::kAlreadySetAside);
  EXPECT_EQ(Classify(Good(), quarantined, kBadSize).reason, kBadSize);
  const NumberFacts abandoned{.abandoned = true, .own_outbox = true, .stored_sha256 = {}};
  EXPECT_EQ(Classify(Good(), abandoned, {}).reason, v1::RECEIPT_REASON_ABANDONED);
  EXPECT_FALSE(Classify(Good(), abandoned, {}).settles_number);
}

}  // namespace
}  // namespace tidemark::ingest
