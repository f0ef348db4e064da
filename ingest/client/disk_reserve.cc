#include "ingest/client/disk_reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ingest/client/durable_file.h"

namespace tidemark::ingest {
namespace {

constexpr uint64_t kStatBlockBytes = 512;  // of st_blocks, whatever the file system's are

bool IsAllocated(const std::filesystem::path& path, uint64_t bytes) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 &&
         static_cast<uint64_t>(info.st_blocks) * kStatBlockBytes >= bytes;
}

// File systems that do not say how large they are count as large enough.
bool HasRoom(const std::filesystem::path& folder, uint64_t bytes) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0 || disk.f_blocks == 0) return true;
  return static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize >= bytes;
}

}  // namespace

DiskReserve::DiskReserve(std::filesystem::path path, uint64_t bytes)
    : path_(std::move(path)), bytes_(bytes), unsupported_(bytes == 0) {}

bool DiskReserve::Take() {
  if (held_ || unsupported_) return true;
  held_ = IsAllocated(path_, bytes_);
  if (held_) return true;
  if (!HasRoom(path_.parent_path(), 2 * bytes_)) return false;
  return Allocate();
}

bool DiskReserve::Allocate() {
  const int fd = ::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const int error = fd < 0 ? errno : ::posix_fallocate(fd, 0, static_cast<off_t>(bytes_));
  if (fd >= 0) ::close(fd);
  held_ = error == 0;
  if (held_) return true;
  ::unlink(path_.c_str());
  unsupported_ = !IsDiskFullError(error);
  return unsupported_;
}

bool DiskReserve::Give() {
  if (!held_) return false;
  held_ = false;
  ::unlink(path_.c_str());
  // Some file systems hand out freed blocks only after a commit; where that fails, so will whoever
  // needs them, and says so.
  (void)SyncFolder(path_.parent_path());
  return true;
}

}  // namespace tidemark::ingest
