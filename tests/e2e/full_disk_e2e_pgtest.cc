// The disk of a device is full to its last block: an import stops and says so, an upload empties
// the outbox all the same, and in the end the server has every sample once and the device a receipt
// for every chunk. On a file system of its own where one may be mounted, and in any case on a
// simulated one (tests/ingest/client/small_disk.h).
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "tests/e2e/import_fixture.h"
#include "tests/ingest/client/small_disk.h"

namespace tidemark::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr uint64_t kDiskBytes = uint64_t{1} << 20;
constexpr int kImportedRows = 2'000;  // more chunks than the disk has blocks
constexpr int kRoundsMax = 10;
constexpr uint64_t kReserveBytes = uint64_t{256} << 10;

enum class DiskKind { kMounted, kSimulated };

class FullDiskE2e : public ImportFixture, public ::testing::WithParamInterface<DiskKind> {
 protected:
  void SetUp() override {
    ImportFixture::SetUp();
    WriteTable(kImportedRows);
    disk_ = work_ + "/disk";
    fs::create_directory(disk_);
    if (GetParam() == DiskKind::kSimulated) {
      ingest::LimitDisk(disk_, kDiskBytes);
      environment_ =
          Before(TIDEMARK_SMALL_DISK) +
          fmt::format("TIDEMARK_SMALL_DISK={} TIDEMARK_SMALL_DISK_BYTES={}", disk_, kDiskBytes);
    } else if (!Mount()) {
      GTEST_SKIP() << "nothing may be mounted here; the simulated disk is gone through";
    }
  }
  void TearDown() override {
    ingest::LimitDisk(disk_, 0);
    if (mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
    ImportFixture::TearDown();
  }

  // Seen by this process and what it starts; gone with it, however it ends.
  bool Mount() {
    const std::string size = fmt::format("size={}", kDiskBytes);
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    return mounted_;
  }

  CliResult Run(const std::string& args) { return cli_->Run(args, environment_); }
  // Other programs take what is left.
  void FillTheRest() const {
    const int fd = ::open((disk_ + "/photos").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ASSERT_GE(fd, 0);
    const std::string block(4'096, 'p');
    while (::write(fd, block.data(), block.size()) > 0) continue;
    ::close(fd);
  }
  uint64_t ReceiptsProven() {
    return nlohmann::json::parse(Must("receipt verify disk/full --json"))["proven"];
  }

  std::string disk_;
  std::string environment_;
  bool mounted_ = false;
};

INSTANTIATE_TEST_SUITE_P(Disks, FullDiskE2e,
                         ::testing::Values(DiskKind::kMounted, DiskKind::kSimulated),
                         [](const auto& disk) {
                           return disk.param == DiskKind::kMounted ? "Mounted" : "Simulated";
                         });

TEST_P(FullDiskE2e, IsEmptiedByUploadingAndEverySampleArrivesOnce) {
  Enrol("disk/full");
  const std::string reserve = disk_ + "/full/outbox/reserve";
  uint64_t uploaded = 0;
  int rounds = 0;
  for (bool imported = false; !imported && rounds < kRoundsMax; ++rounds) {
    const CliResult import = Run(ImportInto("disk/full"));
    imported = import.exit_code == 0;
    if (!imported) {
      EXPECT_EQ(import.exit_code, 1) << import.err;
      EXPECT_THAT(import.err, HasSubstr("full/outbox"));
      EXPECT_THAT(import.err, HasSubstr("bytes"));
      EXPECT_THAT(import.err, HasSubstr("No space left on device"));
    }
    EXPECT_EQ(fs::file_size(reserve), kReserveBytes);
    ASSERT_NO_FATAL_FAILURE(FillTheRest());
    const CliResult upload = Run(Upload("disk/full") + " --json");
    ASSERT_EQ(upload.exit_code, 0) << upload.err;
    const auto report = nlohmann::json::parse(upload.out);
    EXPECT_EQ(report["chunks_left"], 0u);
    EXPECT_EQ(report["attempts_failed"], 0u);
    uploaded += report["chunks_deleted"].get<uint64_t>();
    EXPECT_EQ(ReceiptsProven(), uploaded);
    fs::remove(disk_ + "/photos");
  }
  EXPECT_GT(rounds, 1) << "the disk was never full";
  EXPECT_EQ(SamplesOf("full"), kImportedRows);
}

}  // namespace
}  // namespace tidemark::cli
