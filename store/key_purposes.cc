#include "store/key_purposes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/endian.h"
#include "store/kek_file.h"

namespace tidemark::store {

std::string ParticipantKeyPurpose(ParticipantId participant) {
  return KeyPurpose("participant-key", participant.AsBytes());
}

std::string DataKeyPurpose(ParticipantId participant, const DataKeyName& name) {
  std::string binary(participant.AsBytes());
  binary += name.stream_id.AsBytes();
  AppendLe(binary, name.utc_day);
  AppendLe(binary, name.generation);
  return KeyPurpose("data-key", binary);
}

absl::Status CheckServiceKeyName(std::string_view name) {
  const bool is_plain = !name.empty() && name.size() <= kServiceKeyNameBytesMax &&
                        std::all_of(name.begin(), name.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                        });
  return is_plain ? absl::OkStatus()
                  : absl::InvalidArgumentError("key store: a service key has a plain name");
}

absl::Status ParticipantIsDestroyed() {
  return absl::FailedPreconditionError("key store: the participant's key was destroyed");
}

absl::Status KeyIsDestroyed() { return absl::NotFoundError("key store: the key was destroyed"); }

absl::Status KeyIsMissing(std::string_view what) {
  return absl::DataLossError(fmt::format(
      "key store: {} is missing and was never destroyed: mount or restore the keys", what));
}

absl::Status AnotherRotates() {
  return absl::AbortedError("key store: another server rotates the key-encryption key just now");
}

absl::Status KeysDoNotOpen(const absl::Status& last) {
  return absl::DataLossError(fmt::format(
      "some keys cannot be opened and keep the old key-encryption key in use; restore them from a "
      "copy and rotate again ({})",
      std::string(last.message())));
}

}  // namespace tidemark::store
