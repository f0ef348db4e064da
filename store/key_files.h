// Small secret files that are there whole or not at all, also after a power cut.
//
// Messages name the operation and the system's reason and never the file, whose name may hold an id
// of a person. All failures of the file system are UNAVAILABLE.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::store {

// No file here is larger: keys, a PEM, a number.
inline constexpr size_t kKeyFileBytesMax = 16 * 1024;

// Mode 0700; fine if it exists. Its name is durable on return, whoever made it.
absl::Status MakeFolder(const std::string& path);

// Nothing if there is no such file.
absl::StatusOr<std::optional<std::string>> ReadKeyFile(const std::string& path);
absl::StatusOr<bool> KeyFileExists(const std::string& path);

// Creates the file, mode 0600, unless there is one: then it stays as it is and the answer is false.
// Among racing processes exactly one gets true, and what any of them reads afterwards is durable.
absl::StatusOr<bool> WriteKeyFileOnce(const std::string& path, std::string_view bytes);

// Creates or replaces the file as one step.
absl::Status ReplaceKeyFile(const std::string& path, std::string_view bytes);

// Overwrites the bytes, then removes the name; fine if there is no such file.
absl::Status DestroyKeyFile(const std::string& path);

// Names inside a folder without "." and ".."; empty if there is no such folder.
absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path);

// Makes the names inside a folder durable.
absl::Status SyncFolder(const std::string& path);

// Destroys files that processes which were killed left in the folder under names of their own. The
// caller keeps out everybody who writes there.
absl::Status DestroyLeftOvers(const std::string& folder);

// What others than this user may do with a file or folder, in words for the operator; `name` says
// what it is. Empty if all is well, or if it is not there.
std::string ExposureOf(const std::string& path, std::string_view name);

// "." for a name alone.
std::string FolderOf(const std::string& path);

// Called before every change of the disk made here, with what is about to be done: lets a test end
// its process at any of them. Null for none.
using KeyFileHook = void (*)(std::string_view change);
void SetKeyFileHook(KeyFileHook hook);

// Held by at most one process, and thread, at a time, until destruction or death.
class FolderLock {
 public:
  // Waits for the other holder.
  static absl::StatusOr<FolderLock> Take(const std::string& folder);
  // Another lock of the same folder; nothing while somebody holds it.
  static absl::StatusOr<std::optional<FolderLock>> TryTake(const std::string& folder,
                                                           std::string_view name);
  FolderLock(FolderLock&& other) noexcept : file_(other.file_) { other.file_ = -1; }
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace tidemark::store
