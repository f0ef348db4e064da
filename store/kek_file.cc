#include "store/kek_file.h"

#include <fmt/format.h>

#include "base/status_macros.h"
#include "store/key_files.h"

namespace tidemark::store {
namespace {

// A rotation changes what is wrapped, then the file: two looks see one of them whole.
constexpr int kUnwrapAttemptsMax = 3;

}  // namespace

std::string KeyPurpose(std::string_view kind, std::string_view name) {
  return fmt::format("tidemark-{}\n{}", kind, name);
}

absl::StatusOr<std::unique_ptr<KekFile>> KekFile::Open(const std::string& path, bool make) {
  TM_ASSIGN_OR_RETURN(std::optional<std::string> text, ReadKeyFile(path));
  if (!text && !make) {
    return absl::FailedPreconditionError("key store: the key-encryption key is missing");
  }
  if (!text) {
    TM_RETURN_IF_ERROR(WriteKeyFileOnce(path, KekRing(Kek::Make()).Format()).status());
    TM_ASSIGN_OR_RETURN(text, ReadKeyFile(path));
    if (!text) return absl::UnavailableError("key store: the key-encryption key vanished");
  }
  TM_ASSIGN_OR_RETURN(KekRing ring, KekRing::Parse(*text));
  return std::unique_ptr<KekFile>(new KekFile(path, std::move(ring)));
}

absl::StatusOr<KekRing> KekFile::Read() {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadKeyFile(path_));
  if (!text) return absl::UnavailableError("key store: the key-encryption key is missing");
  absl::StatusOr<KekRing> ring = KekRing::Parse(*text);
  if (!ring.ok()) return absl::UnavailableError(ring.status().message());
  MutexLock lock(mutex_);
  ring_ = *ring;
  return ring;
}

absl::StatusOr<std::optional<std::string>> KekFile::Unwrap(std::string_view purpose,
                                                           ReadWrapped read) {
  absl::Status last;
  for (int attempt = 0; attempt < kUnwrapAttemptsMax; ++attempt) {
    TM_ASSIGN_OR_RETURN(const std::optional<std::string> wrapped, read());
    if (!wrapped) return std::optional<std::string>();
    absl::StatusOr<std::string> opened = ring().Unwrap(purpose, *wrapped);
    if (opened.ok()) return std::optional(*std::move(opened));
    last = opened.status();
    TM_RETURN_IF_ERROR(Read().status());
  }
  return last;
}

absl::Status KekFile::Write(const KekRing& ring, std::string_view advice) {
  const absl::Status written = ReplaceKeyFile(path_, ring.Format());
  if (!written.ok()) {
    return absl::FailedPreconditionError(
        fmt::format("the file of the key-encryption key cannot be written ({}): {}",
                    std::string_view(written.message().data(), written.message().size()), advice));
  }
  MutexLock lock(mutex_);
  ring_ = ring;
  return absl::OkStatus();
}

absl::StatusOr<Kek> KekFile::BeginRotation() {
  TM_RETURN_IF_ERROR(DestroyLeftOvers(FolderOf(path_)));
  TM_ASSIGN_OR_RETURN(KekRing ring, Read());
  if (ring.size() == 1) {
    ring.Add(Kek::Make());
    TM_RETURN_IF_ERROR(
        Write(ring,
              "let the server write it and its folder, or append a line of 64 random "
              "hexadecimal digits yourself, and rotate again"));
  }
  return ring.newest();
}

absl::Status KekFile::EndRotation(const Kek& newest) {
  // What a rotation that was killed left holds the old keys.
  TM_RETURN_IF_ERROR(DestroyLeftOvers(FolderOf(path_)));
  TM_ASSIGN_OR_RETURN(KekRing ring, Read());
  const size_t before = ring.size();
  ring.ForgetOlderThan(newest.id);
  if (ring.size() == before) return absl::OkStatus();
  return Write(
      ring, "every key is wrapped by the key of its last line; take the other lines out yourself");
}

}  // namespace tidemark::store
