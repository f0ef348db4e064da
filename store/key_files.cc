#include "store/key_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/status_macros.h"

namespace tidemark::store {
namespace {

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr size_t kTemporaryNameBytes = 12;
constexpr std::string_view kTemporaryPrefix = ".new-";

std::atomic<KeyFileHook> key_file_hook = nullptr;

void Announce(std::string_view change) {
  if (const KeyFileHook hook = key_file_hook) hook(change);
}

absl::Status Failed(const char* operation) {
  return absl::UnavailableError(
      fmt::format("key store: {}: {}", operation, std::system_category().message(errno)));
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

absl::Status WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteAndSync(int file, std::string_view bytes) {
  Announce("write");
  TM_RETURN_IF_ERROR(WriteAll(file, bytes));
  if (fsync(file) != 0) return Failed("sync a file");
  return absl::OkStatus();
}

// A synced file beside `path` under a name of its own; removed on destruction.
class TemporaryFile {
 public:
  static absl::StatusOr<std::unique_ptr<TemporaryFile>> Write(const std::string& path,
                                                              std::string_view bytes) {
    auto temporary = std::make_unique<TemporaryFile>();
    temporary->path_ = fmt::format("{}/{}{}", FolderOf(path), kTemporaryPrefix,
                                   HexEncode(RandomBytes(kTemporaryNameBytes)));
    Announce("create");
    const File file(
        open(temporary->path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    if (!file.ok()) {
      temporary->path_.clear();
      return Failed("create a file");
    }
    TM_RETURN_IF_ERROR(WriteAndSync(file.get(), bytes));
    return temporary;
  }
  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

std::string FolderOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) return Failed("create a folder");
  return SyncFolder(FolderOf(path));
}

absl::StatusOr<std::optional<std::string>> ReadKeyFile(const std::string& path) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok() && errno == ENOENT) return std::optional<std::string>();
  if (!file.ok()) return Failed("open a file");
  std::string bytes(kKeyFileBytesMax + 1, '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read a file");
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kKeyFileBytesMax) return absl::DataLossError("key store: a file is too large");
  bytes.resize(size);
  return std::optional<std::string>(std::move(bytes));
}

absl::StatusOr<bool> KeyFileExists(const std::string& path) {
  if (access(path.c_str(), F_OK) == 0) return true;
  if (errno == ENOENT) return false;
  return Failed("look for a file");
}

absl::StatusOr<bool> WriteKeyFileOnce(const std::string& path, std::string_view bytes) {
  TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(path));
  if (exists) {
    // Whoever made it may not have come to this yet.
    TM_RETURN_IF_ERROR(SyncFolder(FolderOf(path)));
    return false;
  }
  TM_ASSIGN_OR_RETURN(const auto temporary, TemporaryFile::Write(path, bytes));
  Announce("link");
  // link() never replaces: the first of several racing processes wins.
  const bool first = link(temporary->path().c_str(), path.c_str()) == 0;
  if (!first && errno != EEXIST) return Failed("link a file");
  TM_RETURN_IF_ERROR(SyncFolder(FolderOf(path)));
  return first;
}

absl::Status ReplaceKeyFile(const std::string& path, std::string_view bytes) {
  TM_ASSIGN_OR_RETURN(const auto temporary, TemporaryFile::Write(path, bytes));
  Announce("rename");
  if (rename(temporary->path().c_str(), path.c_str()) != 0) return Failed("rename a file");
  return SyncFolder(FolderOf(path));
}

absl::Status DestroyKeyFile(const std::string& path) {
  {
    const File file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.ok() && errno == ENOENT) return absl::OkStatus();
    if (!file.ok()) return Failed("open a file");
    struct stat info {};
    if (fstat(file.get(), &info) != 0) return Failed("look at a file");
    const auto size = static_cast<size_t>(info.st_size);
    TM_RETURN_IF_ERROR(WriteAndSync(file.get(), std::string(size, '\0')));
  }
  Announce("remove");
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return Failed("remove a file");
  return SyncFolder(FolderOf(path));
}

absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder == nullptr && errno == ENOENT) return std::vector<std::string>();
  if (folder == nullptr) return Failed("open a folder");
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return Failed("list a folder");
  return names;
}

absl::Status DestroyLeftOvers(const std::string& folder) {
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  for (const std::string& name : names) {
    if (!name.starts_with(kTemporaryPrefix)) continue;
    if (name.size() != kTemporaryPrefix.size() + 2 * kTemporaryNameBytes) continue;
    TM_RETURN_IF_ERROR(DestroyKeyFile(fmt::format("{}/{}", folder, name)));
  }
  return absl::OkStatus();
}

std::string ExposureOf(const std::string& path, std::string_view name) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return "";
  if ((info.st_mode & 0077) != 0) {
    return fmt::format(
        "{} is open to others than its owner (mode {:04o}): take it from them with "
        "chmod go= ",
        name, info.st_mode & 07777);
  }
  if (info.st_uid != geteuid()) return fmt::format("{} belongs to another user", name);
  return "";
}

void SetKeyFileHook(KeyFileHook hook) { key_file_hook = hook; }

absl::Status SyncFolder(const std::string& path) {
  const File folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) return Failed("open a folder");
  Announce("sync");
  if (fsync(folder.get()) != 0) return Failed("sync a folder");
  return absl::OkStatus();
}

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& folder) {
  const int file = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (file < 0) return Failed("open a lock");
  FolderLock lock(file);
  while (flock(file, LOCK_EX) != 0) {
    if (errno != EINTR) return Failed("lock a folder");
  }
  return lock;
}

absl::StatusOr<std::optional<FolderLock>> FolderLock::TryTake(const std::string& folder,
                                                              std::string_view name) {
  const std::string path = fmt::format("{}/{}", folder, name);
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (file < 0) return Failed("open a lock");
  FolderLock lock(file);
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FolderLock>();
    if (errno != EINTR) return Failed("lock a folder");
  }
  return std::optional<FolderLock>(std::move(lock));
}

FolderLock::~FolderLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace tidemark::store
