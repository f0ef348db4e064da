// Bearer tokens and codes: `tm<kind>_<public id>_<secret>`.
//
// The public id finds the row, the secret proves it. Only the secret's SHA-256 is stored: the
// secret has 192 random bits, so that a plain hash cannot be searched.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"

namespace tidemark::study {

// The letter in the token. Never reuse one.
enum class TokenKind : char {
  kOperator = 'o',
  kStaff = 'm',
  kService = 'v',
  kStaffSession = 'b',
  kSignInCode = 'c',
  kDeviceSession = 's',
  kEnrolment = 'e'
};

struct Token {
  TokenKind kind = TokenKind::kOperator;
  std::string public_id;
  std::string secret;

  static Token Make(TokenKind kind);
  // Nothing for text that is no token.
  static std::optional<Token> Parse(std::string_view text);

  std::string ToString() const;
  Sha256Digest SecretHash() const { return Sha256(secret); }
  // Whether the secret is the one that was stored; takes the same time for every secret.
  bool Proves(std::string_view stored_sha256) const;
};

}  // namespace tidemark::study
