#include "store/key_rotation.h"

#include <utility>

#include "base/status_macros.h"
#include "store/key_purposes.h"

namespace tidemark::store {
namespace {

// A rotation that meets new keys again and again gives up; it goes on when it is asked for again.
constexpr int kRotationPassesMax = 8;

class Rotation {
 public:
  Rotation(KekFile& file, RotationStore& store, Kek newest)
      : file_(file), store_(store), newest_(std::move(newest)) {}

  // Until a pass over everything finds nothing of the old keys.
  absl::Status WrapEverything() {
    for (int pass = 0; pass < kRotationPassesMax; ++pass) {
      found_ = 0;
      TM_RETURN_IF_ERROR(Pass());
      if (!damage_.ok()) return KeysDoNotOpen(damage_);
      if (found_ == 0) return absl::OkStatus();
    }
    return absl::AbortedError("key store: keys kept changing; rotate again");
  }
  uint64_t wrapped() const { return wrapped_; }

 private:
  absl::Status Pass() {
    std::optional<std::string> cursor = "";
    while (cursor) {
      TM_ASSIGN_OR_RETURN(WrappedKeyBatch batch,
                          store_.ListOthers(WrappedPrefix(newest_), *cursor));
      found_ += batch.keys.size();
      TM_ASSIGN_OR_RETURN(const std::vector<RewrappedKey> anew, WrapAnew(batch.keys));
      if (!anew.empty()) {
        TM_ASSIGN_OR_RETURN(const uint64_t exchanged,
                            store_.Exchange(anew, [this] { return CurrentRing().status(); }));
        wrapped_ += exchanged;
      }
      cursor = std::move(batch.next);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<RewrappedKey>> WrapAnew(const std::vector<WrappedKey>& keys) {
    std::vector<RewrappedKey> anew;
    if (keys.empty()) return anew;
    TM_ASSIGN_OR_RETURN(const KekRing ring, CurrentRing());
    for (const WrappedKey& key : keys) {
      const absl::StatusOr<std::string> plain = ring.Unwrap(key.purpose, key.wrapped);
      if (plain.ok()) {
        anew.push_back({key.place, key.wrapped, WrapKey(newest_, key.purpose, *plain)});
      } else {
        damage_ = plain.status();
      }
    }
    return anew;
  }

  // The keys of the file, as long as the newest of them is the one that this rotation goes to: one
  // that was overtaken would wrap by a key that is about to be forgotten.
  absl::StatusOr<KekRing> CurrentRing() {
    TM_ASSIGN_OR_RETURN(KekRing ring, file_.Read());
    if (ring.newest().id != newest_.id) return AnotherRotates();
    return ring;
  }

  KekFile& file_;
  RotationStore& store_;
  const Kek newest_;
  uint64_t found_ = 0;    // of others, in the present pass
  uint64_t wrapped_ = 0;  // in all
  absl::Status damage_;   // the last key that did not open
};

}  // namespace

absl::StatusOr<uint64_t> RotateKeyEncryptionKey(KekFile& file, RotationStore& store) {
  std::optional<Kek> newest;
  TM_RETURN_IF_ERROR(store.Alone([&]() -> absl::Status {
    TM_ASSIGN_OR_RETURN(newest, file.BeginRotation());
    return absl::OkStatus();
  }));
  Rotation rotation(file, store, *newest);
  TM_RETURN_IF_ERROR(rotation.WrapEverything());
  TM_RETURN_IF_ERROR(store.Alone([&] { return file.EndRotation(*newest); }));
  return rotation.wrapped();
}

}  // namespace tidemark::store
