#include "base/ids.h"

#include <set>
#include <type_traits>

#include "tests/support/status_matchers.h"

namespace tidemark {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

constexpr auto kInvalidIds = absl::StatusCode::kInvalidArgument;
constexpr char kText[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";  // RFC 9562 §A.6

TEST(Uuid, TextSurvives) {
  TM_ASSERT_OK_AND_ASSIGN(const Uuid uuid, Uuid::Parse(kText));
  EXPECT_EQ(uuid.ToString(), kText);
  EXPECT_EQ(uuid.bytes[0], 0x01);
  EXPECT_EQ(uuid.bytes[15], 0x8f);
  EXPECT_THAT(Uuid::Parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), IsOkAndHolds(uuid));
}

TEST(Uuid, RefusesEverythingButTheCanonicalForm) {
  for (const char* text :
       {"", "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2x79b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f "}) {
    EXPECT_THAT(Uuid::Parse(text), StatusIs(kInvalidIds)) << text;
  }
}

TEST(Uuid, BytesSurviveAndMustBeSixteen) {
  TM_ASSERT_OK_AND_ASSIGN(const Uuid uuid, Uuid::Parse(kText));
  EXPECT_THAT(Uuid::FromBytes(uuid.AsBytes()), IsOkAndHolds(uuid));
  EXPECT_THAT(Uuid::FromBytes(std::string(15, 'x')), StatusIs(kInvalidIds));
  EXPECT_THAT(Uuid::FromBytes(std::string(17, 'x')), StatusIs(kInvalidIds));
}

TEST(Uuid, V7CarriesItsTimeVersionAndVariant) {
  const Uuid uuid = Uuid::MakeV7(absl::FromUnixMillis(0x017F22E279B0));
  EXPECT_EQ(uuid.ToString().substr(0, 15), "017f22e2-79b0-7");
  EXPECT_EQ(uuid.bytes[8] >> 6, 0b10);
  EXPECT_FALSE(uuid.IsZero());
}

TEST(Uuid, V7SortsByTimeToTheMillisecond) {
  const absl::Time t = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_LT(Uuid::MakeV7(t), Uuid::MakeV7(t + absl::Milliseconds(1)));
  EXPECT_LT(Uuid::MakeV7(t).ToString(), Uuid::MakeV7(t + absl::Hours(1)).ToString());
}

TEST(Uuid, RandomHasVersionFourAndDoesNotRepeat) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = Uuid::MakeRandom();
    EXPECT_EQ(uuid.bytes[6] >> 4, 4);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Id, KindsDoNotConvert) {
  static_assert(!std::is_convertible_v<StudyId, ParticipantId>);
  static_assert(!std::is_constructible_v<StudyId, ParticipantId>);
  const StreamId id = StreamId::MakeV7();
  EXPECT_THAT(StreamId::Parse(id.ToString()), IsOkAndHolds(id));
  EXPECT_THAT(StreamId::FromBytes(id.AsBytes()), IsOkAndHolds(id));
  EXPECT_THAT(StreamId::Parse("x"), StatusIs(kInvalidIds));
  EXPECT_TRUE(StreamId{}.IsZero());
}

TEST(Id, HashesOfOneMillisecondDiffer) {
  const absl::Time t = absl::FromUnixSeconds(1'700'000'000);
  std::set<size_t> hashes;
  for (int i = 0; i < 1000; ++i) hashes.insert(std::hash<Uuid>{}(Uuid::MakeV7(t)));
  EXPECT_EQ(hashes.size(), 1000u);
}

}  // namespace
}  // namespace tidemark
