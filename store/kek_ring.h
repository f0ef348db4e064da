// Key-encryption keys, and what they wrap.
//
// A file of key-encryption keys has a line for each, oldest first: the id and the key, both
// hexadecimal. It has one line but while a rotation is under way (docs/adr/0014). A single line of
// 64 digits alone, a key without its id, is the older form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tidemark::store {

inline constexpr size_t kKeksMax = 8;

struct Kek {
  std::string id;     // 8 bytes, computed from the key: tells keys apart and gives nothing away
  std::string bytes;  // 32

  static Kek Make();
};

// A value: at least one key, at most kKeksMax.
class KekRing {
 public:
  explicit KekRing(Kek only) { keks_.push_back(std::move(only)); }
  // FAILED_PRECONDITION with what is wrong.
  static absl::StatusOr<KekRing> Parse(std::string_view text);
  std::string Format() const;

  // What new keys are wrapped by.
  const Kek& newest() const { return keks_.back(); }
  size_t size() const { return keks_.size(); }
  // Null if there is none.
  const Kek* Find(std::string_view id) const;

  void Add(Kek kek) { keks_.push_back(std::move(kek)); }
  // Forgets the keys that are older than this one; none if it is not there.
  void ForgetOlderThan(std::string_view id);

  // What `wrapped` holds. DATA_LOSS if no key of this ring opens it, or if `purpose` is not what it
  // was wrapped for.
  absl::StatusOr<std::string> Unwrap(std::string_view purpose, std::string_view wrapped) const;

 private:
  KekRing() = default;
  std::vector<Kek> keks_;  // oldest first
};

// "TMKWRAP1", the id of the key, then the sealed bytes. `purpose` is bound in: things that change
// places do not open. (Older wrapped keys are the sealed bytes alone.)
std::string WrapKey(const Kek& kek, std::string_view purpose, std::string_view plain);

// The first bytes of all that this key wraps.
std::string WrappedPrefix(const Kek& kek);

}  // namespace tidemark::store
