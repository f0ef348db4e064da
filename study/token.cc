#include "study/token.h"

#include <fmt/format.h>

#include "base/base64.h"

namespace tidemark::study {
namespace {

constexpr size_t kPublicIdBytes = 10;
constexpr size_t kPublicIdChars = 2 * kPublicIdBytes;
constexpr size_t kSecretBytes = 24;
constexpr size_t kSecretChars = kSecretBytes * 8 / 6;
// "tm", the kind, and two underscores.
constexpr size_t kTokenChars = 5 + kPublicIdChars + kSecretChars;

bool IsKind(char letter) {
  return std::string_view("omvbcse").find(letter) != std::string_view::npos;
}

bool IsLowerHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Token Token::Make(TokenKind kind) {
  return {kind, HexEncode(RandomBytes(kPublicIdBytes)), Base64UrlEncode(RandomBytes(kSecretBytes))};
}

std::optional<Token> Token::Parse(std::string_view text) {
  if (text.size() != kTokenChars || text.substr(0, 2) != "tm" || !IsKind(text[2]) ||
      text[3] != '_' || text[4 + kPublicIdChars] != '_') {
    return std::nullopt;
  }
  const std::string_view public_id = text.substr(4, kPublicIdChars);
  if (!IsLowerHex(public_id)) return std::nullopt;
  return Token{static_cast<TokenKind>(text[2]), std::string(public_id),
               std::string(text.substr(5 + kPublicIdChars))};
}

std::string Token::ToString() const {
  return fmt::format("tm{}_{}_{}", static_cast<char>(kind), public_id, secret);
}

bool Token::Proves(std::string_view stored_sha256) const {
  const Sha256Digest hash = SecretHash();
  return ConstantTimeEquals(AsView(hash), stored_sha256);
}

}  // namespace tidemark::study
