#include "server/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tidemark::server {
namespace {

absl::Status Failed(const char* what) { return absl::ErrnoToStatus(errno, what); }

absl::Status WriteAll(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("cannot write a file");
    content.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(file) == 0 ? absl::OkStatus() : Failed("cannot sync a file");
}

absl::Status SyncFolderOf(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return Failed("cannot open a folder");
  const absl::Status status = fsync(file) == 0 ? absl::OkStatus() : Failed("cannot sync a folder");
  close(file);
  return status;
}

}  // namespace

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(fmt::format("cannot read {}", path));
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

absl::Status WritePrivateFile(const std::string& path, std::string_view content) {
  const std::string draft = fmt::format("{}.{}.new", path, getpid());
  const int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return Failed("cannot make a file");
  absl::Status status = WriteAll(file, content);
  close(file);
  if (status.ok() && std::rename(draft.c_str(), path.c_str()) != 0) {
    status = Failed("cannot rename a file");
  }
  if (!status.ok()) {
    unlink(draft.c_str());
    return status;
  }
  return SyncFolderOf(path);
}

}  // namespace tidemark::server
