#include "cli/upload_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tidemark::cli {
namespace {

using ::testing::AllOf;
using ::testing::DoubleEq;
using ::testing::HasSubstr;
using ::testing::Optional;

TEST(UploadState, SaysHowMuchCameAgain) {
  v1::WriterState state;
  EXPECT_EQ(DuplicateRatio(state), 0);
  state.set_stored_chunks(2);
  v1::NumberRange& quarantined = *state.add_quarantined();
  quarantined.set_begin(2);
  quarantined.set_end(3);
  state.set_duplicate_chunks(1);
  EXPECT_THAT(DuplicateRatio(state), DoubleEq(0.25));
}

TEST(UploadState, SaysHowFarBehindNowTheDataIs) {
  v1::WriterState state;
  EXPECT_EQ(SecondsBehind(state, 5'000'000'000), std::nullopt);
  state.set_newest_study_ns(2'500'000'000);
  EXPECT_THAT(SecondsBehind(state, 5'000'000'000), Optional(DoubleEq(2.5)));
  state.set_newest_study_ns(std::numeric_limits<int64_t>::min());
  EXPECT_GT(*SecondsBehind(state, std::numeric_limits<int64_t>::max()), 1e10);
}

TEST(UploadState, IsOneObjectAWriter) {
  v1::WriterState state;
  state.set_writer_id("w");
  EXPECT_THAT(DescribeWriter(state, 0).OneLine(),
              AllOf(HasSubstr(R"("writer_id":"w")"), HasSubstr(R"("behind_s":null)")));
  state.set_newest_study_ns(0);
  EXPECT_THAT(DescribeWriter(state, 3'000'000'000).OneLine(), HasSubstr(R"("behind_s":3.0)"));
}

}  // namespace
}  // namespace tidemark::cli
