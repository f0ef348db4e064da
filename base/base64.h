// Base64 in the URL alphabet without padding (RFC 4648 §5), and hexadecimal.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tidemark {

std::string Base64UrlEncode(std::string_view bytes);
// INVALID_ARGUMENT on a character outside the alphabet, padding, or stray low bits.
absl::StatusOr<std::string> Base64UrlDecode(std::string_view text);

std::string HexEncode(std::string_view bytes);
// INVALID_ARGUMENT on an odd length or a character that is not a hexadecimal digit.
absl::StatusOr<std::string> HexDecode(std::string_view text);

}  // namespace tidemark
