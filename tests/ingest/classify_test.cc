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

// What must not be kept is not kept for a conflict either, and changes nothing that is settled.
TEST(ClassifyTest, ARefusalSettlesFreeNumbersOnly) {
  const Decision refused{"this", ChunkKey{}, "", Refusal{v1::RECEIPT_REASON_NO_CONSENT}};
  const Classified free = Classify(refused, {.own_outbox = true}, {});
  EXPECT_EQ(free.fate, Fate::kRefuse);
  EXPECT_EQ(free.reason, v1::RECEIPT_REASON_NO_CONSENT);
  EXPECT_TRUE(free.settles_number);
  EXPECT_FALSE(Classify(refused, {.own_outbox = false}, {}).settles_number);
  EXPECT_FALSE(Classify(refused, {.refused = true, .own_outbox = true}, {}).settles_number);
  const NumberFacts same{.stored = true, .own_outbox = true, .stored_sha256 = "this"};
  EXPECT_EQ(Classify(refused, same, {}).fate, Fate::kDuplicate);
  const NumberFacts other{.stored = true, .own_outbox = true, .stored_sha256 = "that"};
  const NumberFacts quarantined{.quarantined = true, .own_outbox = true};
  const NumberFacts abandoned{.abandoned = true, .own_outbox = true};
  for (const NumberFacts& facts : {other, quarantined, abandoned}) {
    EXPECT_EQ(Classify(refused, facts, {}).fate, Fate::kRefuse);
    EXPECT_FALSE(Classify(refused, facts, {}).settles_number);
  }
  EXPECT_EQ(Classify(refused, quarantined, kBadSize).fate, Fate::kAlreadySetAside);
}

// Its bytes come again under a consent that covers them now.
TEST(ClassifyTest, ARefusedNumberMayStillBeTaken) {
  const NumberFacts refused{.refused = true, .own_outbox = true};
  EXPECT_EQ(Classify(Good(), refused, {}).fate, Fate::kStore);
  EXPECT_TRUE(Classify(Bad(), refused, {}).settles_number);
}

}  // namespace
}  // namespace tidemark::ingest
