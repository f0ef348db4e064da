#include "server/files.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/ids.h"
#include "tests/support/status_matchers.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::IsOkAndHolds;

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() { std::filesystem::create_directories(folder_); }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / Uuid::MakeRandom().ToString();
};

TEST_F(FilesTest, WritesForTheOwnerOnlyAndReplaces) {
  const std::string path = (folder_ / "token").string();
  ASSERT_THAT(WritePrivateFile(path, "first, and longer"), IsOk());
  ASSERT_THAT(WritePrivateFile(path, "second"), IsOk());
  EXPECT_THAT(ReadWholeFile(path), IsOkAndHolds(std::string("second")));
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FilesTest, LeavesNoDraftBehind) {
  EXPECT_FALSE(WritePrivateFile((folder_ / "missing" / "token").string(), "x").ok());
  ASSERT_THAT(WritePrivateFile((folder_ / "token").string(), "x"), IsOk());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FilesTest, MissingFileIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(ReadWholeFile((folder_ / "none").string()).status()));
}

}  // namespace
}  // namespace tidemark::server
