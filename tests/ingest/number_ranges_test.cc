#include "ingest/number_ranges.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NumberRangesTest, RunsAreAscendingAndDisjoint) {
  EXPECT_THAT(RunsOf({}), IsEmpty());
  EXPECT_THAT(RunsOf({7, 1, 2, 0, 2, 9}),
              ElementsAre(NumberRun{0, 3}, NumberRun{7, 8}, NumberRun{9, 10}));
}

TEST(NumberRangesTest, TextAndBack) {
  EXPECT_EQ(ToMultirange({}), "{}");
  const std::vector<NumberRun> runs = {{0, 3}, {7, int64_t{1} << 62}};
  EXPECT_EQ(ToMultirange(runs), "{[0,3),[7,4611686018427387904)}");
  EXPECT_THAT(ParseMultirange(ToMultirange(runs)), IsOkAndHolds(runs));
  EXPECT_THAT(ParseMultirange("{}"), IsOkAndHolds(IsEmpty()));
}

TEST(NumberRangesTest, AnythingElseIsMalformed) {
  for (const char* text : {"", "{", "}", "{[1,2)", "{[1,2]}", "{(1,2)}", "{[2,1)}", "{[1,)}",
                           "{[1,2),}", "{[1,2)}x", "{[99999999999999999999,2)}", "{[1,2)[3,4)}"}) {
    EXPECT_THAT(ParseMultirange(text), StatusIs(absl::StatusCode::kDataLoss)) << text;
  }
}

}  // namespace
}  // namespace tidemark::ingest
