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

// One append is never larger, so a crash inside one leaves no more than this unwritten.
constexpr uint64_t kAppendBytesMax = uint64_t{4} << 20;
// Of what was cut off the end, over all openings: the newest bytes.
constexpr size_t kTornBytesMax = size_t{1} << 20;
constexpr size_t kEntryBytesMax = kEntryHeaderBytes + kReceiptBytesMax;
constexpr size_t kWindowBytes = size_t{1} << 20;

struct LedgerScan {
  LedgerContent content;
  uint64_t end = 0;  // where the next entry goes: behind the last one, or behind what is damaged
  std::string torn;  // the bytes behind it, empty for blocks that were never written
  bool is_torn = false;
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

bool IsUnwritten(LedgerFile& file, uint64_t at) {
  if (file.size() - at > kAppendBytesMax) return false;
  while (at < file.size()) {
    const std::string_view bytes = file.View(at, kWindowBytes);
    if (bytes.empty() || bytes.find_first_not_of('\0') != std::string_view::npos) return false;
    at += bytes.size();
  }
  return true;
}

// Whether a file without an entry at or behind `at` ends inside the header or the content of one.
// If the content agrees with the checksum it is all there, and it is the size that is damaged.
bool IsCutShort(LedgerFile& file, uint64_t at) {
  const uint64_t rest = file.size() - at;
  if (rest >= kEntryBytesMax) return false;
  const std::string_view bytes = file.View(at, rest);
  if (bytes.size() < kEntryHeaderBytes) return true;
  const auto size = LoadLe<uint32_t>(bytes.data());
  const auto crc = LoadLe<uint32_t>(bytes.data() + 4);
  const std::string_view content = bytes.substr(kEntryHeaderBytes);
  return size <= kReceiptBytesMax && content.size() < size && Crc32c(content) != crc;
}

// An end that a crash inside an append leaves is torn: nobody was promised what it held. Any other
// end without an entry was one, and is damaged.
bool FindTorn(LedgerFile& file, LedgerScan& scan) {
  if (IsUnwritten(file, scan.end)) return scan.is_torn = true;
  if (!IsCutShort(file, scan.end)) return false;
  scan.torn = file.View(scan.end, kEntryBytesMax);
  return scan.is_torn = true;
}

absl::StatusOr<LedgerScan> ScanLedger(
    const fs::path& path, const std::function<absl::Status(const v1::Receipt&)>& visit) {
  TM_ASSIGN_OR_RETURN(LedgerFile file, LedgerFile::Open(path));
  if (file.View(0, kMagic.size()) != kMagic) return NotALedger(path);
  LedgerScan scan{.content = {}, .end = kMagic.size(), .torn = {}};
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
    if (next == file.size() && FindTorn(file, scan)) break;
    AddDamage(scan.content, scan.end, next);
    scan.end = next;
  }
  return scan;
}

fs::path TornPath(const fs::path& ledger) {
  fs::path path = ledger;
  path += ".torn";
  return path;
}

// Adds `torn` to what earlier openings cut off.
absl::Status KeepAside(const fs::path& ledger, const std::string& torn) {
  if (torn.empty()) return absl::OkStatus();
  const fs::path path = TornPath(ledger);
  auto kept = ReadFile(path, kTornBytesMax);
  if (absl::IsNotFound(kept.status())) kept = std::string();
  TM_RETURN_IF_ERROR(kept.status());
  std::string all = *kept + torn;
  if (all.size() > kTornBytesMax) all.erase(0, all.size() - kTornBytesMax);
  return WriteFileDurably(path, all);
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
  Ledger ledger(path, fd, scan.end, std::move(scan.content));
  if (!scan.is_torn) return ledger;
  TM_RETURN_IF_ERROR(KeepAside(path, scan.torn));
  if (::ftruncate(fd, static_cast<off_t>(scan.end)) != 0 || ::fsync(fd) != 0) {
    return FileError("cut the torn end of", path, errno);
  }
  return ledger;
}

Ledger::Ledger(Ledger&& other) noexcept TM_NO_THREAD_SAFETY_ANALYSIS
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
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
  if (absl::Status written = WriteAtEnd(entries); !written.ok()) {
    // What it left is no damage. Should this fail too, the next append overwrites it.
    (void)!::ftruncate(descriptor_, static_cast<off_t>(bytes_));
    return written;
  }
  bytes_ += entries.size();
  receipts_ += receipts.size();
  return absl::OkStatus();
}

absl::Status Ledger::WriteAtEnd(const std::string& entries) {
  size_t done = 0;
  while (done < entries.size()) {
    const ssize_t n = ::pwrite(descriptor_, entries.data() + done, entries.size() - done,
                               static_cast<off_t>(bytes_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("append receipts to", path_, errno);
    done += static_cast<size_t>(n);
  }
  if (::fsync(descriptor_) != 0) return FileError("sync", path_, errno);
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
