#include "store/kek_ring.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/status_macros.h"

namespace tidemark::store {
namespace {

constexpr size_t kKekIdBytes = 8;
constexpr std::string_view kWrapMagic = "TMKWRAP1";
constexpr std::string_view kKekIdText = "tidemark-kek-id";
constexpr std::string_view kBlanks = " \t\r";

std::string KekIdOf(std::string_view key) {
  const Sha256Digest digest = HmacSha256(key, kKekIdText);
  return std::string(AsView(digest).substr(0, kKekIdBytes));
}

absl::Status BadLine(size_t number, std::string_view rule) {
  return absl::FailedPreconditionError(
      fmt::format("key store: the key-encryption key: line {} {}", number, rule));
}

// "<key>" or "<id> <key>"; the id catches a key that was copied wrongly.
absl::StatusOr<Kek> ParseKekLine(size_t number, std::string_view line) {
  const size_t blank = line.find_first_of(kBlanks);
  const std::string_view id = blank == std::string_view::npos ? "" : line.substr(0, blank);
  const size_t begin = blank == std::string_view::npos ? 0 : line.find_first_not_of(kBlanks, blank);
  const absl::StatusOr<std::string> bytes = HexDecode(line.substr(begin));
  if (!bytes.ok() || bytes->size() != kAesKeyBytes) {
    return BadLine(number, "must be 64 hexadecimal digits, with or without an id before them");
  }
  Kek kek{KekIdOf(*bytes), *bytes};
  if (blank != std::string_view::npos && id != HexEncode(kek.id))
    return BadLine(number, "has a wrong id");
  return kek;
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

Kek Kek::Make() {
  std::string bytes = RandomBytes(kAesKeyBytes);
  std::string id = KekIdOf(bytes);
  return {std::move(id), std::move(bytes)};
}

absl::StatusOr<KekRing> KekRing::Parse(std::string_view text) {
  KekRing ring;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    if (ring.keks_.size() == kKeksMax) return BadLine(number, "is one key too many");
    TM_ASSIGN_OR_RETURN(Kek kek, ParseKekLine(number, line));
    if (ring.Find(kek.id) != nullptr) return BadLine(number, "repeats a key");
    ring.keks_.push_back(std::move(kek));
  }
  if (ring.keks_.empty()) return BadLine(1, "must be 64 hexadecimal digits");
  return ring;
}

std::string KekRing::Format() const {
  std::string text;
  for (const Kek& kek : keks_) {
    text += fmt::format("{} {}\n", HexEncode(kek.id), HexEncode(kek.bytes));
  }
  return text;
}

const Kek* KekRing::Find(std::string_view id) const {
  for (const Kek& kek : keks_) {
    if (kek.id == id) return &kek;
  }
  return nullptr;
}

void KekRing::ForgetOlderThan(std::string_view id) {
  const auto found =
      std::find_if(keks_.begin(), keks_.end(), [&](const Kek& kek) { return kek.id == id; });
  if (found != keks_.end()) keks_.erase(keks_.begin(), found);
}

absl::StatusOr<std::string> KekRing::Unwrap(std::string_view purpose,
                                            std::string_view wrapped) const {
  if (wrapped.starts_with(kWrapMagic)) {
    const Kek* const kek = Find(wrapped.substr(kWrapMagic.size(), kKekIdBytes));
    if (kek == nullptr) {
      return absl::DataLossError(
          "key store: a key is wrapped by a key-encryption key that is not in its file");
    }
    return AesGcmOpen(kek->bytes, purpose, wrapped.substr(kWrapMagic.size() + kKekIdBytes));
  }
  absl::Status last;
  for (auto kek = keks_.rbegin(); kek != keks_.rend(); ++kek) {
    absl::StatusOr<std::string> opened = AesGcmOpen(kek->bytes, purpose, wrapped);
    if (opened.ok()) return opened;
    last = opened.status();
  }
  return last;
}

std::string WrapKey(const Kek& kek, std::string_view purpose, std::string_view plain) {
  return WrappedPrefix(kek) + AesGcmSeal(kek.bytes, purpose, plain);
}

std::string WrappedPrefix(const Kek& kek) { return std::string(kWrapMagic) + kek.id; }

}  // namespace tidemark::store
