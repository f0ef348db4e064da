#include "ingest/client/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/status_macros.h"
#include "ingest/client/durable_file.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "TML1";
constexpr size_t kEntryHeaderBytes = 8;

absl::Status NotALedger(const fs::path& path) {
  return absl::DataLossError(fmt::format("{} is no receipt ledger", path.string()));
}

struct Scan {
  uint64_t bytes = 0;  // of the header and the whole entries
  uint64_t receipts = 0;
};

// One append is never larger, so a crash inside one leaves no more than this unreadable.
constexpr uint64_t kAppendBytesMax = uint64_t{4} << 20;

// Reads entries from the front. The first one that is incomplete or damaged begins the torn tail;
// a tail longer than an append is damage.
absl::StatusOr<Scan> ScanFile(const fs::path& path,
                              const std::function<absl::Status(const v1::Receipt&)>& visit) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) return FileError("open", path, errno);
  const auto read = [&](std::string& to, size_t size) {
    to.resize(size);
    to.resize(std::fread(to.data(), 1, size, file.get()));
    return to.size() == size;
  };
  std::string bytes;
  if (!read(bytes, kMagic.size()) || bytes != kMagic) return NotALedger(path);
  Scan scan{.bytes = kMagic.size()};
  while (read(bytes, kEntryHeaderBytes)) {
    const auto size = LoadLe<uint32_t>(bytes.data());
    const auto crc = LoadLe<uint32_t>(bytes.data() + 4);
    v1::Receipt receipt;
    if (size == 0 || size > kReceiptBytesMax || !read(bytes, size)) break;
    if (Crc32c(bytes) != crc || !receipt.ParseFromString(bytes)) break;
    TM_RETURN_IF_ERROR(visit(receipt));
    scan.bytes += kEntryHeaderBytes + size;
    ++scan.receipts;
  }
  if (fs::file_size(path) > scan.bytes + kAppendBytesMax) {
    return absl::DataLossError(
        fmt::format("{}: receipt {} is damaged", path.string(), scan.receipts));
  }
  return scan;
}

}  // namespace

absl::StatusOr<Ledger> Ledger::Open(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    TM_RETURN_IF_ERROR(MakeFolder(path.parent_path()));
    TM_RETURN_IF_ERROR(WriteFileDurably(path, kMagic));
  }
  TM_ASSIGN_OR_RETURN(const Scan scan,
                      ScanFile(path, [](const v1::Receipt&) { return absl::OkStatus(); }));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return FileError("open", path, errno);
  Ledger ledger(fd, scan.bytes, scan.receipts);
  if (::ftruncate(fd, static_cast<off_t>(scan.bytes)) != 0 || ::fsync(fd) != 0) {
    return FileError("cut the torn end of", path, errno);
  }
  return ledger;
}

Ledger::Ledger(Ledger&& other) noexcept TM_NO_THREAD_SAFETY_ANALYSIS
    : descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(other.bytes_),
      receipts_(other.receipts_) {}

Ledger::~Ledger() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::Status Ledger::Append(std::span<const v1::Receipt> receipts) {
  std::string entries;
  for (const v1::Receipt& receipt : receipts) {
    const std::string bytes = receipt.SerializeAsString();
    if (bytes.size() > kReceiptBytesMax) {
      return absl::InvalidArgumentError("a receipt larger than any server sends");
    }
    AppendLe(entries, static_cast<uint32_t>(bytes.size()));
    AppendLe(entries, Crc32c(bytes));
    entries += bytes;
  }
  if (entries.size() > kAppendBytesMax) {
    return absl::InvalidArgumentError("more receipts than one message of a server holds");
  }
  MutexLock lock(mutex_);
  size_t done = 0;
  while (done < entries.size()) {
    // Always from the end of the last whole entry: what a failed append left is overwritten.
    const ssize_t n = ::pwrite(descriptor_, entries.data() + done, entries.size() - done,
                               static_cast<off_t>(bytes_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("append to", "the receipt ledger", errno);
    done += static_cast<size_t>(n);
  }
  if (::fsync(descriptor_) != 0) return FileError("sync", "the receipt ledger", errno);
  bytes_ += entries.size();
  receipts_ += receipts.size();
  return absl::OkStatus();
}

uint64_t Ledger::receipts() const {
  MutexLock lock(mutex_);
  return receipts_;
}

absl::Status Ledger::ForEach(const fs::path& path,
                             const std::function<absl::Status(const v1::Receipt&)>& visit) {
  return ScanFile(path, visit).status();
}

}  // namespace tidemark::ingest
