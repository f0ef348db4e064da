// Files that survive a crash: what these functions report as written is on disk.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::ingest {

// The status of a failed system call: NOT_FOUND for ENOENT, RESOURCE_EXHAUSTED for a full disk or
// no descriptors, PERMISSION_DENIED, else UNAVAILABLE. `what` says what was being done.
// Marked as OnThisMachine().
absl::Status FileError(std::string_view what, const std::filesystem::path& path, int error);

// Whether an error is that the disk is full (or the quota on it), as FileError marks it; `error` is
// an errno.
bool IsDiskFull(const absl::Status& status);
bool IsDiskFullError(int error);

// Says that an error is about this machine and its files, whatever its code: no server had a part
// in it, and none can help.
absl::Status OnThisMachine(absl::Status error);
bool IsOnThisMachine(const absl::Status& status);

// Replaces `path` as a whole: a temporary file beside it, fsync, rename, fsync of the folder. After
// a crash there is the old file or the new one, and perhaps a left-over `.tmp`; after an error,
// which may be a full disk, there is none.
absl::Status WriteFileDurably(const std::filesystem::path& path, std::string_view bytes,
                              mode_t mode = 0600);

// RESOURCE_EXHAUSTED when the file is larger than `bytes_max`.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path, size_t bytes_max);

// Makes renames, creations and removals inside `folder` durable.
absl::Status SyncFolder(const std::filesystem::path& folder);

// Makes `folder` (mode 0700) and its missing parents, durably. OK when it exists.
absl::Status MakeFolder(const std::filesystem::path& folder);

// Renames within one file system and makes both folders durable.
absl::Status MoveFileDurably(const std::filesystem::path& from, const std::filesystem::path& to);

// Holds `path` for this process until destruction; the kernel lets go when the process dies.
class FileLock {
 public:
  // FAILED_PRECONDITION when another process holds it.
  static absl::StatusOr<FileLock> Acquire(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace tidemark::ingest
