// The receipts a device holds against the server: an append-only file of proven words.
//
//   "TML1", then per receipt: size (u32 LE), CRC-32C of the bytes (u32 LE), tidemark.v1.Receipt
//
// A receipt is on disk here before the body it lets go is deleted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

// Larger than any receipt with both of its paths.
inline constexpr size_t kReceiptBytesMax = size_t{64} << 10;

// Thread-safe.
class Ledger {
 public:
  // Makes the file if there is none. A torn end, from a crash inside an append, is cut off: those
  // bodies were not deleted, so they will get receipts again.
  //   DATA_LOSS  the file is no ledger, or more than one append is damaged
  static absl::StatusOr<Ledger> Open(const std::filesystem::path& path);
  Ledger(Ledger&& other) noexcept;
  Ledger& operator=(Ledger&&) = delete;
  ~Ledger();

  // All or, after an error, none of them count; on disk when it returns.
  absl::Status Append(std::span<const v1::Receipt> receipts) TM_EXCLUDES(mutex_);
  uint64_t receipts() const TM_EXCLUDES(mutex_);

  // Visits every receipt of a file in order, oldest first; needs no lock and changes nothing. A
  // torn tail ends it quietly. Errors of `visit` end it and are returned.
  static absl::Status ForEach(const std::filesystem::path& path,
                              const std::function<absl::Status(const v1::Receipt&)>& visit);

 private:
  Ledger(int descriptor, uint64_t bytes, uint64_t receipts)
      : descriptor_(descriptor), bytes_(bytes), receipts_(receipts) {}

  int descriptor_ = -1;
  mutable Mutex mutex_;
  uint64_t bytes_ TM_GUARDED_BY(mutex_) = 0;  // up to the end of the last whole entry
  uint64_t receipts_ TM_GUARDED_BY(mutex_) = 0;
};

}  // namespace tidemark::ingest
