// What key stores of every kind say and bind in.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "store/key_store.h"

namespace tidemark::store {

inline constexpr size_t kServiceKeyNameBytesMax = 64;
// What the key of the check wraps: a key-encryption key that does not open it is a wrong one.
inline constexpr std::string_view kKekCheckText = "tidemark-key-store-1";

std::string ParticipantKeyPurpose(ParticipantId participant);
std::string DataKeyPurpose(ParticipantId participant, const DataKeyName& name);

// INVALID_ARGUMENT unless it is small letters, digits and hyphens.
absl::Status CheckServiceKeyName(std::string_view name);

// FAILED_PRECONDITION: nothing is sealed for this participant any more.
absl::Status ParticipantIsDestroyed();
// NOT_FOUND: what the key sealed is erased.
absl::Status KeyIsDestroyed();
// DATA_LOSS, never the same as destroyed: what the key sealed may come back with it.
absl::Status KeyIsMissing(std::string_view what);
// ABORTED
absl::Status AnotherRotates();
// DATA_LOSS at the end of a rotation
absl::Status KeysDoNotOpen(const absl::Status& last);

}  // namespace tidemark::store
