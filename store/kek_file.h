// The file of key-encryption keys, as a server that shares it with others uses it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "store/kek_ring.h"

namespace tidemark::store {

// What a key is wrapped for: bound in, so that keys which change places do not open.
std::string KeyPurpose(std::string_view kind, std::string_view name);

// Thread-safe. Remembers what it read last; a rotation by another server shows as a key that does
// not open, and the file is then read again.
class KekFile {
 public:
  // `make`: a missing file is made with one key.
  //   FAILED_PRECONDITION  missing, or not of this form
  static absl::StatusOr<std::unique_ptr<KekFile>> Open(const std::string& path, bool make);

  // The keys as they are in the file now. Never FAILED_PRECONDITION, which would read as an erased
  // participant: UNAVAILABLE.
  absl::StatusOr<KekRing> Read() TM_EXCLUDES(mutex_);

  // Opens what `read` gives, if it gives anything. Reads file and key again where they do not fit:
  // a rotation may pass between them.
  using ReadWrapped = absl::FunctionRef<absl::StatusOr<std::optional<std::string>>()>;
  absl::StatusOr<std::optional<std::string>> Unwrap(std::string_view purpose, ReadWrapped read)
      TM_EXCLUDES(mutex_);

  // Steps of a rotation; the caller keeps out everybody who wraps keys meanwhile.
  //   FAILED_PRECONDITION  the file cannot be written; the text says what to do
  // Adds a new key unless there are several already; returns the newest.
  absl::StatusOr<Kek> BeginRotation() TM_EXCLUDES(mutex_);
  absl::Status EndRotation(const Kek& newest) TM_EXCLUDES(mutex_);

  const std::string& path() const { return path_; }

 private:
  KekFile(std::string path, KekRing ring) : path_(std::move(path)), ring_(std::move(ring)) {}
  KekRing ring() const TM_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return ring_;
  }
  absl::Status Write(const KekRing& ring, std::string_view advice) TM_EXCLUDES(mutex_);

  const std::string path_;
  mutable Mutex mutex_;
  KekRing ring_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::store
