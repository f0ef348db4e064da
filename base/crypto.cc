#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <cstdlib>

namespace tidemark {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

// OpenSSL fails in these calls only without memory or entropy.
void Require(bool ok) {
  if (!ok) std::abort();
}

// Stands in every function that may refuse its input: a refusal leaves entries in OpenSSL's queue
// of the thread, which TLS code on the same thread would take for errors of its own.
struct ErrorQueueCleaner {
  ~ErrorQueueCleaner() { ERR_clear_error(); }
};

// OpenSSL would ask for the passphrase of an encrypted key on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

uint8_t* Data(std::string& bytes) { return reinterpret_cast<uint8_t*>(bytes.data()); }

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using CipherCtx = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using DigestCtx = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;

std::shared_ptr<EVP_PKEY> Own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

bool IsEd25519(const EVP_PKEY* key) { return EVP_PKEY_get_id(key) == EVP_PKEY_ED25519; }

bool IsP256(const EVP_PKEY* key) {
  if (EVP_PKEY_get_id(key) != EVP_PKEY_EC) return false;
  char name[64];
  size_t size = 0;
  return EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1 &&
         std::string_view(name, size) == "prime256v1";
}

// Fetched once for the life of the process: calls that name an algorithm look it up every time,
// which costs as much as hashing several hundred bytes.
const EVP_MD* FetchedSha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}
const EVP_CIPHER* FetchedAesGcm() {
  static const EVP_CIPHER* const algorithm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return algorithm;
}

// Ed25519 hashes by itself, ECDSA is used with SHA-256.
const EVP_MD* DigestFor(const EVP_PKEY* key) { return IsEd25519(key) ? nullptr : EVP_sha256(); }

}  // namespace

Sha256Digest Sha256(std::string_view bytes) {
  thread_local const DigestCtx context(EVP_MD_CTX_new());
  Sha256Digest digest;
  Require(context && EVP_DigestInit_ex2(context.get(), FetchedSha256(), nullptr) == 1 &&
          EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
          EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

struct Sha256Stream::State {
  DigestCtx context{EVP_MD_CTX_new()};
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  Require(state_->context &&
          EVP_DigestInit_ex2(state_->context.get(), FetchedSha256(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Update(std::string_view bytes) {
  Require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256Stream::Finish() {
  Sha256Digest digest;
  Require(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  Require(EVP_DigestInit_ex2(state_->context.get(), FetchedSha256(), nullptr) == 1);
  return digest;
}

Sha256Digest HmacSha256(std::string_view key, std::string_view message) {
  Sha256Digest digest;
  unsigned size = 0;
  Require(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Data(message),
               message.size(), digest.data(), &size) != nullptr);
  return digest;
}

void FillRandom(std::span<uint8_t> bytes) {
  Require(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  FillRandom({Data(bytes), size});
  return bytes;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string AesGcmSeal(std::string_view key, std::string_view associated, std::string_view plain) {
  Require(key.size() == kAesKeyBytes);
  std::string sealed(kNonceBytes + plain.size() + kTagBytes, '\0');
  uint8_t* const nonce = Data(sealed);
  uint8_t* const cipher = nonce + kNonceBytes;
  FillRandom({nonce, kNonceBytes});
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  Require(ctx && EVP_EncryptInit_ex2(ctx.get(), FetchedAesGcm(), Data(key), nonce, nullptr) == 1);
  Require(EVP_EncryptUpdate(ctx.get(), nullptr, &size, Data(associated),
                            static_cast<int>(associated.size())) == 1);
  Require(EVP_EncryptUpdate(ctx.get(), cipher, &size, Data(plain),
                            static_cast<int>(plain.size())) == 1);
  Require(EVP_EncryptFinal_ex(ctx.get(), cipher + size, &size) == 1);
  Require(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, cipher + plain.size()) ==
          1);
  return sealed;
}

absl::StatusOr<std::string> AesGcmOpen(std::string_view key, std::string_view associated,
                                       std::string_view sealed) {
  const ErrorQueueCleaner cleaner;
  Require(key.size() == kAesKeyBytes);
  if (sealed.size() < kAesOverheadBytes) {
    return absl::DataLossError("sealed bytes are shorter than nonce and tag");
  }
  const size_t plain_size = sealed.size() - kAesOverheadBytes;
  const uint8_t* const nonce = Data(sealed);
  const uint8_t* const cipher = nonce + kNonceBytes;
  std::string tag(sealed.substr(kNonceBytes + plain_size));
  std::string plain(plain_size, '\0');
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  Require(ctx && EVP_DecryptInit_ex2(ctx.get(), FetchedAesGcm(), Data(key), nonce, nullptr) == 1);
  Require(EVP_DecryptUpdate(ctx.get(), nullptr, &size, Data(associated),
                            static_cast<int>(associated.size())) == 1);
  Require(EVP_DecryptUpdate(ctx.get(), Data(plain), &size, cipher, static_cast<int>(plain_size)) ==
          1);
  Require(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(ctx.get(), Data(plain) + size, &size) != 1) {
    return absl::DataLossError("sealed bytes do not belong to this key and place, or were altered");
  }
  return plain;
}

absl::StatusOr<VerifyKey> VerifyKey::FromP256Der(std::string_view der) {
  const ErrorQueueCleaner cleaner;
  const uint8_t* cursor = Data(der);
  auto key = Own(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(der.size())));
  const bool whole = key && cursor == Data(der) + der.size();
  if (!whole || !IsP256(key.get())) {
    return absl::InvalidArgumentError("not a P-256 public key in DER SubjectPublicKeyInfo");
  }
  return VerifyKey(std::move(key));
}

absl::StatusOr<VerifyKey> VerifyKey::FromEd25519Raw(std::string_view raw) {
  const ErrorQueueCleaner cleaner;
  auto key = Own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Data(raw), raw.size()));
  if (!key) return absl::InvalidArgumentError("not a 32-byte Ed25519 public key");
  return VerifyKey(std::move(key));
}

bool VerifyKey::Verify(std::string_view message, std::string_view signature) const {
  const ErrorQueueCleaner cleaner;
  const DigestCtx ctx(EVP_MD_CTX_new());
  Require(ctx && EVP_DigestVerifyInit(ctx.get(), nullptr, DigestFor(key_.get()), nullptr,
                                      key_.get()) == 1);
  return EVP_DigestVerify(ctx.get(), Data(signature), signature.size(), Data(message),
                          message.size()) == 1;
}

std::string VerifyKey::Export() const {
  if (IsEd25519(key_.get())) {
    std::string raw(32, '\0');
    size_t size = raw.size();
    Require(EVP_PKEY_get_raw_public_key(key_.get(), Data(raw), &size) == 1);
    return raw;
  }
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  Require(size > 0);
  std::string exported(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return exported;
}

SigningKey SigningKey::GenerateP256() {
  auto key = Own(EVP_EC_gen("P-256"));
  Require(key != nullptr);
  return SigningKey(std::move(key));
}

SigningKey SigningKey::GenerateEd25519() {
  auto key = Own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  Require(key != nullptr);
  return SigningKey(std::move(key));
}

absl::StatusOr<SigningKey> SigningKey::FromPem(std::string_view pem) {
  const ErrorQueueCleaner cleaner;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Require(bio != nullptr);
  auto key = Own(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (!key || !(IsEd25519(key.get()) || IsP256(key.get()))) {
    return absl::InvalidArgumentError("not a private key of P-256 or Ed25519 in PEM");
  }
  return SigningKey(std::move(key));
}

absl::StatusOr<SigningKey> SigningKey::FromEd25519Seed(std::string_view seed) {
  const ErrorQueueCleaner cleaner;
  auto key = Own(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Data(seed), seed.size()));
  if (!key) return absl::InvalidArgumentError("an Ed25519 seed has 32 bytes");
  return SigningKey(std::move(key));
}

std::string SigningKey::Sign(std::string_view message) const {
  const DigestCtx ctx(EVP_MD_CTX_new());
  Require(ctx &&
          EVP_DigestSignInit(ctx.get(), nullptr, DigestFor(key_.get()), nullptr, key_.get()) == 1);
  size_t size = 0;
  Require(EVP_DigestSign(ctx.get(), nullptr, &size, Data(message), message.size()) == 1);
  std::string signature(size, '\0');
  Require(EVP_DigestSign(ctx.get(), Data(signature), &size, Data(message), message.size()) == 1);
  signature.resize(size);
  return signature;
}

std::string SigningKey::ExportPem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  Require(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                               nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace tidemark
