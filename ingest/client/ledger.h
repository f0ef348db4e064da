// The receipts a device holds against the server: an append-only file of proven words.
//
//   "TML1", then per receipt: size (u32 LE), CRC-32C of the bytes (u32 LE), tidemark.v1.Receipt
//
// A receipt is on disk here before the body it lets go is deleted. A damaged entry costs itself
// alone: reading goes on at the next place where size, checksum and content agree.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

// Larger than any receipt with both of its paths.
inline constexpr size_t kReceiptBytesMax = size_t{64} << 10;

// Bytes begin <= at < end of a ledger's file that hold no receipt any more.
struct LedgerDamage {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t receipts_before = 0;  // that can be read and stand before it
  friend bool operator==(const LedgerDamage&, const LedgerDamage&) = default;
};
// For people: "bytes 1204 to 1588, after receipt 3".
std::string Describe(const LedgerDamage& damage);

// What a reading found. Damage beyond the first kDamagesMax places is counted into the last of
// them.
struct LedgerContent {
  static constexpr size_t kDamagesMax = 1'000;
  uint64_t receipts = 0;
  std::vector<LedgerDamage> damages;
};

// Thread-safe.
class Ledger {
 public:
  // Makes the file if there is none. A torn end, from a crash inside an append, is cut off: those
  // bodies were not deleted, so they will get receipts again. Its bytes go to <path>.torn first, of
  // which the newest MiB is kept. An entry that is all there and wrong is damage, the last one too,
  // and stays where it is.
  //   DATA_LOSS  the file is no ledger
  static absl::StatusOr<Ledger> Open(const std::filesystem::path& path);
  Ledger(Ledger&& other) noexcept;
  Ledger& operator=(Ledger&&) = delete;
  ~Ledger();

  // All or, after an error, none of them count; on disk when it returns. RESOURCE_EXHAUSTED
  // (IsDiskFull) when the disk has no room for them.
  absl::Status Append(std::span<const v1::Receipt> receipts) TM_EXCLUDES(mutex_);
  uint64_t receipts() const TM_EXCLUDES(mutex_);
  // Found at opening.
  const std::vector<LedgerDamage>& damages() const { return damages_; }

  // Visits every receipt of a file that can be read, oldest first, and says where one cannot; needs
  // no lock and changes nothing. A torn end is no damage. Errors of `visit` end it and are
  // returned.
  static absl::StatusOr<LedgerContent> ForEach(
      const std::filesystem::path& path,
      const std::function<absl::Status(const v1::Receipt&)>& visit);

 private:
  Ledger(std::filesystem::path path, int descriptor, uint64_t bytes, LedgerContent content)
      : path_(std::move(path)),
        descriptor_(descriptor),
        damages_(std::move(content.damages)),
        bytes_(bytes),
        receipts_(content.receipts) {}

  absl::Status WriteAtEnd(const std::string& entries) TM_REQUIRES(mutex_);

  std::filesystem::path path_;  // for messages
  int descriptor_ = -1;
  std::vector<LedgerDamage> damages_;
  mutable Mutex mutex_;
  uint64_t bytes_ TM_GUARDED_BY(mutex_) = 0;  // where the next entry goes
  uint64_t receipts_ TM_GUARDED_BY(mutex_) = 0;
};

}  // namespace tidemark::ingest
