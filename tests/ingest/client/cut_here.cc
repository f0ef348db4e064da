// The C library's functions of these names give way to those of the program that links this, or
// that is started with it as LD_PRELOAD.
#include "tests/ingest/client/cut_here.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace tidemark::ingest {
namespace {

constexpr int kNever = -1;

std::atomic<int>& CallsLeft() {
  static std::atomic<int> left = [] {
    const char* text = std::getenv("TIDEMARK_CUT_AFTER");
    return text != nullptr ? std::atoi(text) : kNever;
  }();
  return left;
}

void Count() {
  if (CallsLeft() < 0) return;
  if (CallsLeft()-- == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

void CutAfter(int calls) { CallsLeft() = calls; }

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

}  // namespace tidemark::ingest
