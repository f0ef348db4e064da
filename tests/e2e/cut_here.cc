// Comes before the C library of a program (LD_PRELOAD) and kills it just before the n-th of its
// calls that change a folder: fsync, rename, unlink, mkdir. TIDEMARK_CUT_AFTER=n lets n of them
// happen.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace {

void Count() {
  static std::atomic<int> left = [] {
    const char* text = std::getenv("TIDEMARK_CUT_AFTER");
    return text != nullptr ? std::atoi(text) : -1;
  }();
  if (left < 0) return;
  if (left-- == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

extern "C" {

int fsync(int fd) {
  Count();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int rename(const char* from, const char* to) noexcept {
  Count();
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char* path) noexcept {
  Count();
  return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int mkdir(const char* path, mode_t mode) noexcept {
  Count();
  return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

}  // extern "C"
