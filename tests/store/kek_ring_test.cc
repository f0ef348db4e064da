#include "store/kek_ring.h"

#include <gmock/gmock.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using support::IsOk;
using support::IsOkAndHolds;
using support::StatusIs;
using testing::HasSubstr;

TEST(KekRingTest, ReadsWhatItWrites) {
  KekRing ring{Kek::Make()};
  ring.Add(Kek::Make());
  TM_ASSERT_OK_AND_ASSIGN(const KekRing again, KekRing::Parse(ring.Format()));
  EXPECT_EQ(again.Format(), ring.Format());
  EXPECT_EQ(again.newest().bytes, ring.newest().bytes);
}

TEST(KekRingTest, ReadsAKeyWithoutItsId) {
  const Kek kek = Kek::Make();
  for (const std::string& text : {HexEncode(kek.bytes), HexEncode(kek.bytes) + " \r\n\n"}) {
    TM_ASSERT_OK_AND_ASSIGN(const KekRing ring, KekRing::Parse(text));
    EXPECT_EQ(ring.newest().id, kek.id);
    EXPECT_EQ(ring.newest().bytes, kek.bytes);
  }
}

TEST(KekRingTest, RefusesWhatWasCopiedWrongly) {
  const std::string good = KekRing(Kek::Make()).Format();
  std::string wrong = good;
  wrong[20] = wrong[20] == 'a' ? 'b' : 'a';
  const std::pair<std::string, const char*> cases[] = {{"", "64 hexadecimal"},
                                                       {"short\n", "64 hexadecimal"},
                                                       {wrong, "line 1 has a wrong id"},
                                                       {good + good, "line 2 repeats"},
                                                       {good + "x\n", "line 2"}};
  for (const auto& [text, words] : cases) {
    EXPECT_THAT(KekRing::Parse(text),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(words)));
  }
  std::string many;
  for (size_t i = 0; i <= kKeksMax; ++i) many += KekRing(Kek::Make()).Format();
  EXPECT_THAT(KekRing::Parse(many), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(KekRingTest, OpensWhatAnyOfItsKeysWrappedForThisPurpose) {
  KekRing ring{Kek::Make()};
  const std::string old = WrapKey(ring.newest(), "p", "secret");
  const std::string older_form = AesGcmSeal(ring.newest().bytes, "p", "secret");
  ring.Add(Kek::Make());
  const std::string fresh = WrapKey(ring.newest(), "p", "secret");
  for (const std::string& wrapped : {old, older_form, fresh}) {
    EXPECT_THAT(ring.Unwrap("p", wrapped), IsOkAndHolds("secret"));
    EXPECT_THAT(ring.Unwrap("q", wrapped), StatusIs(absl::StatusCode::kDataLoss));
  }
  EXPECT_TRUE(fresh.starts_with(WrappedPrefix(ring.newest())));
  EXPECT_FALSE(old.starts_with(WrappedPrefix(ring.newest())));

  ring.ForgetOlderThan("no such key");
  EXPECT_EQ(ring.size(), 2u);
  const Kek newest = ring.newest();
  ring.ForgetOlderThan(newest.id);
  EXPECT_EQ(ring.size(), 1u);
  EXPECT_THAT(ring.Unwrap("p", fresh), IsOk());
  EXPECT_THAT(ring.Unwrap("p", old),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not in its file")));
  EXPECT_THAT(ring.Unwrap("p", older_form), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ring.Unwrap("p", ""), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace tidemark::store
