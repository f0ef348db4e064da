#include "server/descriptors.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "base/log.h"

namespace tidemark::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What the process may have, given back at the end.
class DescriptorsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  void TearDown() override { setrlimit(RLIMIT_NOFILE, &before_); }
  rlimit before_{};
};

TEST_F(DescriptorsTest, EverythingThatIsAllowedIsTaken) {
  rlimit lower = before_;
  lower.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
  EXPECT_EQ(TakeDescriptors(Config()), before_.rlim_max);
}

TEST_F(DescriptorsTest, TooFewAreSaidSo) {
  Config config;
  config.ingest_writers = 64;
  EXPECT_EQ(DescriptorsWanted(config), DescriptorsWanted(Config()) + 60);
  InitLog("info", false);
  ::testing::internal::CaptureStderr();
  TakeDescriptors(config);
  if (before_.rlim_max >= DescriptorsWanted(config)) {
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());
  } else {
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("LimitNOFILE"));
  }
}

}  // namespace
}  // namespace tidemark::server
