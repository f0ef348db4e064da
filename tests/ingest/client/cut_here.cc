// The C library's functions of these names give way to those of the program.
#include "tests/ingest/client/cut_here.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

namespace tidemark::ingest {
namespace {

int calls_left = -1;  // none is cut

void Count() {
  if (calls_left < 0) return;
  if (calls_left-- == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

void CutAfter(int calls) { calls_left = calls; }

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
