#include "ingest/client/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
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

// One append is never larger, so a crash inside one leaves no more than this unreadable.
constexpr uint64_t kAppendBytesMax = uint64_t{4} << 20;
constexpr size_t kEntryBytesMax = kEntryHeaderBytes + kReceiptBytesMax;
constexpr size_t kWindowBytes = size_t{1} << 20;

struct LedgerScan {
  LedgerContent content;
  uint64_t end = 0;  // where the next entry goes: behind the last one, or behind what is damaged
};

// The bytes of a ledger, read a window at a time.
class LedgerFile {
 public:
  static absl::StatusOr<LedgerFile> Open(const fs::path& path) {
    LedgerFile file(std::fopen(path.c_str(), "rb"));
    if (file.file_ == nullptr) return FileError("open", path, errno);
    if (::fseeko(file.file_.get(), 0, SEEK_END) != 0) return FileError("read", path, errno);
    file.size_ = static_cast<uint64_t>(::ftello(file.file_.get()));
    return file;
  }
  uint64_t size() const { return size_; }

  // What of [at, at + size) the file has, at most kWindowBytes; good until the next call.
  std::string_view View(uint64_t at, size_t size) {
    const uint64_t end = std::min(size_, at + size);
    if (at < begin_ || end > begin_ + window_.size()) {
      window_.resize(kWindowBytes);
      const bool found = ::fseeko(file_.get(), static_cast<off_t>(at), SEEK_SET) == 0;
      window_.resize(found ? std::fread(window_.data(), 1, kWindowBytes, file_.get()) : 0);
      begin_ = at;
    }
    return std::string_view(window_).substr(at - begin_, size);
  }

 private:
  explicit LedgerFile(std::FILE* file) : file_(file, &std::fclose) {}
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  uint64_t size_ = 0;
  uint64_t begin_ = 0;  // of the window
  std::string window_;
};

// The entry that begins `bytes`: its size there, 0 if there is none.
size_t ParseEntry(std::string_view bytes, v1::Receipt* receipt) {
  if (bytes.size() < kEntryHeaderBytes) return 0;
  const auto size = LoadLe<uint32_t>(bytes.data());
  const auto crc = LoadLe<uint32_t>(bytes.data() + 4);
  if (size == 0 || size > kReceiptBytesMax || bytes.size() < kEntryHeaderBytes + size) return 0;
  const std::string_view content = bytes.substr(kEntryHeaderBytes, size);
  const bool whole = Crc32c(content) == crc &&
                     receipt->ParseFromArray(content.data(), static_cast<int>(content.size()));
  return whole ? kEntryHeaderBytes + size : 0;
}

// Where the first entry at or behind `at` begins; the end of the file if there is none.
uint64_t NextEntry(LedgerFile& file, uint64_t at) {
  v1::Receipt receipt;
  while (at < file.size() && ParseEntry(file.View(at, kEntryBytesMax), &receipt) == 0) ++at;
  return at;
}

void AddDamage(LedgerContent& content, uint64_t begin, uint64_t end) {
  if (content.damages.size() == LedgerContent::kDamagesMax) {
    content.damages.back().end = end;
  } else {
    content.damages.push_back({begin, end, content.receipts});
  }
}

// An end without any entry, no longer than one append, is torn: nobody was promised what it held.
absl::StatusOr<LedgerScan> ScanLedger(
    const fs::path& path, const std::function<absl::Status(const v1::Receipt&)>& visit) {
  TM_ASSIGN_OR_RETURN(LedgerFile file, LedgerFile::Open(path));
  if (file.View(0, kMagic.size()) != kMagic) return NotALedger(path);
  LedgerScan scan{.content = {}, .end = kMagic.size()};
  v1::Receipt receipt;
  while (scan.end < file.size()) {
    if (const size_t bytes = ParseEntry(file.View(scan.end, kEntryBytesMax), &receipt);
        bytes != 0) {
      TM_RETURN_IF_ERROR(visit(receipt));
      scan.end += bytes;
      ++scan.content.receipts;
      continue;
    }
    const uint64_t next = NextEntry(file, scan.end + 1);
    if (next == file.size() && next - scan.end <= kAppendBytesMax) break;
    AddDamage(scan.content, scan.end, next);
    scan.end = next;
  }
  return scan;
}

}  // namespace

std::string Describe(const LedgerDamage& damage) {
  return fmt::format("bytes {} to {}, after receipt {}", damage.begin, damage.end,
                     damage.receipts_before);
}

absl::StatusOr<Ledger> Ledger::Open(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    TM_RETURN_IF_ERROR(MakeFolder(path.parent_path()));
    TM_RETURN_IF_ERROR(WriteFileDurably(path, kMagic));
  }
  TM_ASSIGN_OR_RETURN(LedgerScan scan,
                      ScanLedger(path, [](const v1::Receipt&) { return absl::OkStatus(); }));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return FileError("open", path, errno);
  Ledger ledger(fd, scan.end, std::move(scan.content));
  if (::ftruncate(fd, static_cast<off_t>(scan.end)) != 0 || ::fsync(fd) != 0) {
    return FileError("cut the torn end of", path, errno);
  }
  return ledger;
}

Ledger::Ledger(Ledger&& other) noexcept TM_NO_THREAD_SAFETY_ANALYSIS
    : descriptor_(std::exchange(other.descriptor_, -1)),
      damages_(std::move(other.damages_)),
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

absl::StatusOr<LedgerContent> Ledger::ForEach(
    const fs::path& path, const std::function<absl::Status(const v1::Receipt&)>& visit) {
  TM_ASSIGN_OR_RETURN(LedgerScan scan, ScanLedger(path, visit));
  return std::move(scan.content);
}

}  // namespace tidemark::ingest
