// The C library's functions of these names give way to those of the program that links this, or
// that is started with it as LD_PRELOAD.
#include "tests/ingest/client/small_disk.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBlockBytes = 4'096;
constexpr uint64_t kStatBlockBytes = 512;

struct Disk {
  std::string folder;
  uint64_t bytes = 0;
};

// Never freed: a write may come at any time.
std::atomic<const Disk*>& LimitedDisk() {
  static std::atomic<const Disk*> disk = []() -> const Disk* {
    const char* folder = std::getenv("TIDEMARK_SMALL_DISK");
    const char* bytes = std::getenv("TIDEMARK_SMALL_DISK_BYTES");
    if (folder == nullptr || bytes == nullptr) return nullptr;
    return new Disk{fs::canonical(folder).string(), std::strtoull(bytes, nullptr, 10)};
  }();
  return disk;
}

uint64_t InBlocks(uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

// As written or as allocated ahead, whichever is more.
uint64_t BytesOf(const struct stat& info) {
  return InBlocks(std::max(static_cast<uint64_t>(info.st_size),
                           static_cast<uint64_t>(info.st_blocks) * kStatBlockBytes));
}

uint64_t FreeBytes(const Disk& disk) {
  uint64_t used = 0;
  std::error_code gone;
  fs::recursive_directory_iterator it(disk.folder, gone);
  for (const fs::recursive_directory_iterator end; !gone && it != end; it.increment(gone)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) used += BytesOf(info);
  }
  return disk.bytes - std::min(disk.bytes, used);
}

bool IsBelow(std::string_view path, const std::string& folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

const Disk* DiskOf(int fd) {
  const Disk* const disk = LimitedDisk();
  if (disk == nullptr) return nullptr;
  char path[4'096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path, sizeof path);
  if (size <= 0 || !IsBelow({path, static_cast<size_t>(size)}, disk->folder)) return nullptr;
  return disk;
}

// How many of `size` bytes at `at` the disk takes; what a file has already costs nothing.
size_t TakenOf(const Disk& disk, int fd, uint64_t at, size_t size) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return size;
  const uint64_t room = BytesOf(info) + FreeBytes(disk);
  return at >= room ? 0 : std::min<uint64_t>(size, room - at);
}

ssize_t WriteAt(int fd, const void* bytes, size_t size, off_t at) {
  return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}

}  // namespace

void LimitDisk(const fs::path& folder, uint64_t bytes) {
  LimitedDisk() = bytes == 0 ? nullptr : new Disk{fs::canonical(folder).string(), bytes};
}

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  if (const Disk* const disk = DiskOf(fd); disk != nullptr && size > 0) {
    size = TakenOf(*disk, fd, static_cast<uint64_t>(::lseek(fd, 0, SEEK_CUR)), size);
    if (size == 0) return errno = ENOSPC, -1;
  }
  return ::syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  if (const Disk* const disk = DiskOf(fd); disk != nullptr && size > 0) {
    size = TakenOf(*disk, fd, static_cast<uint64_t>(at), size);
    if (size == 0) return errno = ENOSPC, -1;
  }
  return WriteAt(fd, bytes, size, at);
}

// Writes, so that it needs no help of the real file system.
int posix_fallocate(int fd, off_t at, off_t size) {
  const Disk* const disk = DiskOf(fd);
  if (disk != nullptr && TakenOf(*disk, fd, static_cast<uint64_t>(at), static_cast<size_t>(size)) <
                             static_cast<size_t>(size)) {
    return ENOSPC;
  }
  const std::string zeros(kBlockBytes, '\0');
  for (off_t done = 0; done < size; done += static_cast<off_t>(kBlockBytes)) {
    const size_t some = std::min(zeros.size(), static_cast<size_t>(size - done));
    if (WriteAt(fd, zeros.data(), some, at + done) < 0) return errno;
  }
  return 0;
}

int statvfs(const char* path, struct statvfs* found) noexcept {
  const Disk* const disk = LimitedDisk();
  std::error_code unknown;
  if (disk == nullptr || !IsBelow(fs::weakly_canonical(path, unknown).string(), disk->folder)) {
    static const auto real =
        reinterpret_cast<int (*)(const char*, struct statvfs*)>(::dlsym(RTLD_NEXT, "statvfs"));
    return real(path, found);
  }
  *found = {};
  found->f_bsize = found->f_frsize = kBlockBytes;
  found->f_blocks = disk->bytes / kBlockBytes;
  found->f_bfree = found->f_bavail = FreeBytes(*disk) / kBlockBytes;
  return 0;
}

}  // extern "C"

}  // namespace tidemark::ingest
