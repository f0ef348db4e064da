#include "base/audit_roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace tidemark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int32_t kFirstRootDay = 20'000;  // 2024-10-04

// Roots as a server makes them; a signature is the message itself.
struct SignedRoot {
  AuditRootContent content;
  std::string signature;
};

class AuditRootsTest : public testing::Test {
 protected:
  // One a day; the first `old` ones name none before them.
  std::vector<SignedRoot> MakeRoots(int count, int old = 0) const {
    std::vector<SignedRoot> roots;
    AuditRootEnd end;
    for (int i = 0; i < count; ++i) {
      SignedRoot& root = roots.emplace_back();
      root.content.utc_day = kFirstRootDay + i;
      if (i >= old) root.content.heads.push_back(HeadOfRootBefore(end));
      root.signature = AuditRootMessage(study_, root.content.utc_day, root.content.heads);
      end = EndOfRoot(study_, i + 1, root.content);
    }
    return roots;
  }
  std::vector<std::string> FaultsOf(const std::vector<SignedRoot>& roots) {
    AuditChainChecker chains;
    AuditRootChecker checker(study_, chains);
    for (const SignedRoot& root : roots) {
      checker.Add(root.content,
                  [&](std::string_view message) { return message == root.signature; });
    }
    newest_day_ = checker.newest_day();
    EXPECT_THAT(chains.faults(), IsEmpty());
    return checker.faults();
  }

  const Uuid study_ = Uuid::MakeRandom();
  int32_t newest_day_ = 0;
};

TEST_F(AuditRootsTest, AnUntouchedChainHolds) {
  for (const int old : {0, 1, 4}) {
    EXPECT_THAT(FaultsOf(MakeRoots(4, old)), IsEmpty()) << old;
    EXPECT_EQ(newest_day_, kFirstRootDay + 3);
  }
  EXPECT_THAT(FaultsOf({}), IsEmpty());
  EXPECT_EQ(newest_day_, -1);
}

TEST_F(AuditRootsTest, ARootThatWasTakenAwayIsOneFault) {
  for (const int old : {0, 2, 4}) {
    for (size_t at = 0; at < 5; ++at) {
      auto roots = MakeRoots(6, old);
      roots.erase(roots.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_THAT(FaultsOf(roots), ElementsAre(HasSubstr("removed or altered")))
          << old << " " << at;
    }
  }
  auto roots = MakeRoots(6);
  roots.erase(roots.begin(), roots.begin() + 3);
  EXPECT_THAT(FaultsOf(roots), ElementsAre(HasSubstr("the root of 2024-10-07 follows root 3")));
}

// Which the chain alone cannot show: the date of the newest and a kept export do.
TEST_F(AuditRootsTest, TheNewestCanBeTakenAway) {
  auto roots = MakeRoots(6);
  roots.pop_back();
  EXPECT_THAT(FaultsOf(roots), IsEmpty());
  EXPECT_EQ(newest_day_, kFirstRootDay + 4);
}

TEST_F(AuditRootsTest, EveryFieldOfEveryRootIsBound) {
  const std::function<void(AuditRootContent&)> changes[] = {
      [](AuditRootContent& root) { ++root.utc_day; },
      [](AuditRootContent& root) { ++root.heads[0].seq; },
      [](AuditRootContent& root) { root.heads[0].link_hash[5] ^= 1; },
      [](AuditRootContent& root) { root.heads.clear(); },
      [](AuditRootContent& root) { root.heads[0].subject = Uuid::MakeRandom(); }};
  for (const auto& change : changes) {
    for (size_t at = 0; at < 4; ++at) {
      auto roots = MakeRoots(4);
      change(roots[at].content);
      AuditChainChecker chains;
      AuditRootChecker checker(study_, chains);
      for (const SignedRoot& root : roots) {
        checker.Add(root.content,
                    [&](std::string_view message) { return message == root.signature; });
      }
      EXPECT_FALSE(checker.faults().empty()) << at;
    }
  }
}

TEST_F(AuditRootsTest, RootsThatChangePlacesAreFound) {
  for (const int old : {0, 4}) {
    auto roots = MakeRoots(5, old);
    std::swap(roots[1], roots[2]);
    EXPECT_FALSE(FaultsOf(roots).empty()) << old;
    roots = MakeRoots(5, old);
    roots.insert(roots.begin() + 2, roots[1]);
    EXPECT_FALSE(FaultsOf(roots).empty()) << old;
  }
}

// A root of the first form, signed as it is, does not stand in for one that names its predecessor.
TEST_F(AuditRootsTest, OldRootsDoNotFollowNewOnes) {
  auto roots = MakeRoots(4, 2);
  roots.push_back(roots[1]);
  EXPECT_THAT(FaultsOf(roots), ElementsAre(HasSubstr("names none before it")));
}

TEST_F(AuditRootsTest, EndsOfChainsAreLookedForInTheLinks) {
  AuditChainChecker chains;
  AuditRootChecker checker(study_, chains);
  const AuditRootContent root{kFirstRootDay,
                              {HeadOfRootBefore(AuditRootEnd()), {Uuid::MakeRandom(), 3, {}}}};
  checker.Add(root, [](std::string_view) { return true; });
  EXPECT_THAT(checker.faults(), IsEmpty());
  EXPECT_THAT(chains.faults(), ElementsAre(HasSubstr("missing")));
}

}  // namespace
}  // namespace tidemark
