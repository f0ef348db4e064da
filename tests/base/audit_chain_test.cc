#include "base/audit_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace tidemark {
namespace {

using testing::IsEmpty;
using testing::Not;

std::vector<AuditChainLink> MakeChain(const Uuid& subject, int length, int version = 2) {
  std::vector<AuditChainLink> chain;
  Sha256Digest prev = AuditChainBegin(subject);
  for (int i = 1; i <= length; ++i) {
    AuditChainLink link;
    link.subject = subject;
    link.seq = i;
    link.study_id = Uuid::MakeRandom();
    link.prev_hash = AsView(prev);
    link.body_hash = AsView(Sha256(std::to_string(i)));
    link.recorded_at_us = 1'000 * i;
    link.version = version;
    prev = AuditLinkHash(link);
    chain.push_back(link);
  }
  return chain;
}

AuditChainHead HeadOf(const std::vector<AuditChainLink>& chain) {
  return {chain.back().subject, chain.back().seq, AuditLinkHash(chain.back())};
}

std::vector<std::string> Faults(const std::vector<AuditChainLink>& chain,
                                const AuditChainHead& head) {
  AuditChainChecker checker;
  for (const AuditChainLink& link : chain) checker.Add(link);
  checker.CheckHead(1, head);
  return checker.faults();
}

TEST(AuditChain, AnUntouchedChainHoldsInBothVersions) {
  for (const int version : {1, 2}) {
    const auto chain = MakeChain(Uuid::MakeRandom(), 20, version);
    EXPECT_THAT(Faults(chain, HeadOf(chain)), IsEmpty());
  }
}

TEST(AuditChain, EveryFieldOfEveryLinkIsBound) {
  const auto whole = MakeChain(Uuid::MakeRandom(), 5);
  const AuditChainHead head = HeadOf(whole);
  const std::function<void(AuditChainLink&)> changes[] = {
      [](auto& link) { link.seq += 1; },
      [](auto& link) { link.study_id = Uuid::MakeRandom(); },
      [](auto& link) { link.prev_hash[7] = static_cast<char>(link.prev_hash[7] ^ 1); },
      [](auto& link) { link.body_hash[0] = static_cast<char>(link.body_hash[0] ^ 1); },
      [](auto& link) { link.recorded_at_us -= 1; },
      [](auto& link) { link.version = 1; },
      [](auto& link) { link.version = 3; },
      [](auto& link) { link.subject = Uuid::MakeRandom(); },
  };
  for (size_t place = 0; place < whole.size(); ++place) {
    for (const auto& change : changes) {
      auto chain = whole;
      change(chain[place]);
      EXPECT_THAT(Faults(chain, head), Not(IsEmpty())) << place;
    }
  }
}

TEST(AuditChain, RemovedSwappedAndRepeatedLinksAreFound) {
  const auto whole = MakeChain(Uuid::MakeRandom(), 6);
  const AuditChainHead head = HeadOf(whole);
  for (size_t i = 0; i < whole.size(); ++i) {
    auto removed = whole;
    removed.erase(removed.begin() + static_cast<long>(i));
    EXPECT_THAT(Faults(removed, head), Not(IsEmpty()));
    for (size_t j = 0; j < i; ++j) {
      auto swapped = whole;
      std::swap(swapped[i], swapped[j]);
      EXPECT_THAT(Faults(swapped, head), Not(IsEmpty()));
    }
    auto repeated = whole;
    repeated.insert(repeated.begin() + static_cast<long>(i), whole[i]);
    EXPECT_THAT(Faults(repeated, head), Not(IsEmpty()));
  }
}

// Somebody with the whole table can compute every hash anew; the signed head still tells.
TEST(AuditChain, AChainThatWasComputedAnewMissesItsSignedHead) {
  const Uuid subject = Uuid::MakeRandom();
  const auto whole = MakeChain(subject, 6);
  EXPECT_THAT(Faults(MakeChain(subject, 6), HeadOf(whole)), Not(IsEmpty()));
  EXPECT_THAT(Faults({}, HeadOf(whole)), Not(IsEmpty()));
}

TEST(AuditChain, ABodyMustBeTheOneThatWasHashed) {
  const auto chain = MakeChain(Uuid::MakeRandom(), 2);
  AuditChainChecker checker;
  checker.Add(chain[0]);
  checker.CheckBody(chain[0], "1");
  EXPECT_THAT(checker.faults(), IsEmpty());
  checker.CheckBody(chain[0], "2");
  EXPECT_THAT(checker.faults(), Not(IsEmpty()));
}

TEST(AuditChain, TheRootBindsStudyDayAndEveryHead) {
  const Uuid study = Uuid::MakeRandom();
  const std::vector<AuditChainHead> heads = {HeadOf(MakeChain(Uuid::MakeRandom(), 1)),
                                             HeadOf(MakeChain(Uuid::MakeRandom(), 2))};
  const std::string message = AuditRootMessage(study, 20'000, heads);
  EXPECT_EQ(message, AuditRootMessage(study, 20'000, heads));
  EXPECT_NE(message, AuditRootMessage(study, 20'001, heads));
  EXPECT_NE(message, AuditRootMessage(Uuid::MakeRandom(), 20'000, heads));
  EXPECT_NE(message, AuditRootMessage(study, 20'000, {heads[0]}));
  EXPECT_NE(message, AuditRootMessage(study, 20'000, {heads[1], heads[0]}));
}

}  // namespace
}  // namespace tidemark
