// The few cryptographic operations Tidemark uses, over OpenSSL.
//
// Failures of the library itself (no memory, no entropy) end the process: no caller can go on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct evp_pkey_st;

namespace tidemark {

using Sha256Digest = std::array<uint8_t, 32>;

inline std::string_view AsView(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Sha256Digest Sha256(std::string_view bytes);

// SHA-256 over bytes that arrive in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void Update(std::string_view bytes);
  // The digest of all bytes so far; the stream starts anew.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest HmacSha256(std::string_view key, std::string_view message);

// Bytes of the operating system's random source.
void FillRandom(std::span<uint8_t> bytes);
std::string RandomBytes(size_t size);

// Compares in a time that depends on the lengths only.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

// AES-256-GCM. `key` has 32 bytes. The sealed form is nonce (12, random) ‖ ciphertext ‖ tag (16).
inline constexpr size_t kAesKeyBytes = 32;
inline constexpr size_t kAesOverheadBytes = 12 + 16;
std::string AesGcmSeal(std::string_view key, std::string_view associated, std::string_view plain);
// DATA_LOSS when the key, the associated data or any byte of `sealed` is not what was sealed.
absl::StatusOr<std::string> AesGcmOpen(std::string_view key, std::string_view associated,
                                       std::string_view sealed);

// A private or public key of one of the two signature schemes in use.
class SigningKey;

// Public half: verifies. Cheap to copy, thread-safe.
class VerifyKey {
 public:
  // P-256 (devices): DER SubjectPublicKeyInfo, signatures DER ECDSA over SHA-256 of the message.
  // INVALID_ARGUMENT for anything but a valid point on P-256.
  static absl::StatusOr<VerifyKey> FromP256Der(std::string_view der);
  // Ed25519 (receipts): the 32 raw bytes.
  static absl::StatusOr<VerifyKey> FromEd25519Raw(std::string_view raw);

  bool Verify(std::string_view message, std::string_view signature) const;
  // The form the two factories take.
  std::string Export() const;

 private:
  friend class SigningKey;
  explicit VerifyKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

class SigningKey {
 public:
  static SigningKey GenerateP256();
  static SigningKey GenerateEd25519();
  // PEM (PKCS#8), as ExportPem() writes it. INVALID_ARGUMENT for other key types.
  static absl::StatusOr<SigningKey> FromPem(std::string_view pem);
  // Ed25519 from its 32-byte seed, for golden vectors.
  static absl::StatusOr<SigningKey> FromEd25519Seed(std::string_view seed);

  std::string Sign(std::string_view message) const;
  VerifyKey Public() const { return VerifyKey(key_); }
  std::string ExportPem() const;

 private:
  explicit SigningKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace tidemark
