#include "ingest/client/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/cord.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;

constexpr char kOnThisMachine[] = "tidemark.client/on-this-machine";
constexpr char kDiskFull[] = "tidemark.client/disk-full";

absl::StatusCode CodeOfErrno(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

// Closes on every path out; errors of close() after fsync() mean nothing any more.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status WriteAndSync(const fs::path& path, std::string_view bytes, mode_t mode) {
  const Descriptor file(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode));
  if (file.get() < 0) return FileError("create", path, errno);
  TM_RETURN_IF_ERROR(WriteAll(file.get(), bytes, path));
  if (::fsync(file.get()) != 0) return FileError("sync", path, errno);
  return absl::OkStatus();
}

}  // namespace

absl::Status FileError(std::string_view what, const fs::path& path, int error) {
  const std::string message =
      fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error));
  absl::Status status = OnThisMachine(absl::Status(CodeOfErrno(error), message));
  if (IsDiskFullError(error)) status.SetPayload(kDiskFull, absl::Cord());
  return status;
}

bool IsDiskFull(const absl::Status& status) { return status.GetPayload(kDiskFull).has_value(); }

bool IsDiskFullError(int error) { return error == ENOSPC || error == EDQUOT; }

absl::Status OnThisMachine(absl::Status error) {
  error.SetPayload(kOnThisMachine, absl::Cord());
  return error;
}

bool IsOnThisMachine(const absl::Status& status) {
  return status.GetPayload(kOnThisMachine).has_value();
}

absl::Status WriteFileDurably(const fs::path& path, std::string_view bytes, mode_t mode) {
  fs::path temporary = path;
  temporary += ".tmp";
  absl::Status written = WriteAndSync(temporary, bytes, mode);
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = FileError("rename", temporary, errno);
  }
  if (written.ok()) return SyncFolder(path.parent_path());
  ::unlink(temporary.c_str());
  return written;
}

absl::StatusOr<std::string> ReadFile(const fs::path& path, size_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FileError("open", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return FileError("stat", path, errno);
  if (static_cast<size_t>(info.st_size) > bytes_max) {
    return OnThisMachine(absl::ResourceExhaustedError(fmt::format(
        "{} has {} bytes; at most {} are read here", path.string(), info.st_size, bytes_max)));
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("read", path, errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

absl::Status SyncFolder(const fs::path& folder) {
  const fs::path named = folder.empty() ? fs::path(".") : folder;
  const Descriptor fd(::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return FileError("open folder", named, errno);
  if (::fsync(fd.get()) != 0) return FileError("sync folder", named, errno);
  return absl::OkStatus();
}

absl::Status MakeFolder(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) return absl::OkStatus();
  TM_RETURN_IF_ERROR(MakeFolder(folder.parent_path()));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return FileError("make folder", folder, errno);
  }
  return SyncFolder(folder.parent_path());
}

absl::Status MoveFileDurably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return FileError("rename", from, errno);
  TM_RETURN_IF_ERROR(SyncFolder(to.parent_path()));
  return SyncFolder(from.parent_path());
}

absl::StatusOr<FileLock> FileLock::Acquire(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (fd.get() < 0) return FileError("open lock", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("{} is held by another process: wait for it to end", path.string()));
  }
  return FileLock(fd.Release());
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tidemark::ingest
