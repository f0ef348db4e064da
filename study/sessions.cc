#include "study/sessions.h"

#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/db/transaction.h"
#include "base/endian.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/device_access.h"
#include "study/fields.h"
#include "study/principals.h"
#include "study/proofs.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr size_t kNonceBytes = 16;
constexpr size_t kMacBytes = 16;
constexpr size_t kChallengeBytes = kNonceBytes + sizeof(int64_t) + kMacBytes;

// What has expired goes a few rows at a time, with calls that write anyway.
constexpr int kChallengesPurgedPerCallMax = 20;
// Expired credentials stay this long, for a person who looks for the reason of a refusal.
constexpr absl::Duration kExpiredCredentialAge = absl::Hours(24);

absl::Status CredentialInvalid() {
  return rpc::Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIAL_INVALID,
                    "the device could not be verified");
}

struct Challenge {
  std::string nonce;
  int64_t expires_at_us = 0;
};

std::string MacOf(std::string_view key, DeviceId device, const Challenge& challenge) {
  std::string message = "tidemark-challenge-v1";
  message += device.AsBytes();
  message += challenge.nonce;
  AppendLe(message, challenge.expires_at_us);
  return std::string(AsView(HmacSha256(key, message)).substr(0, kMacBytes));
}

std::string Serialize(std::string_view key, DeviceId device, const Challenge& challenge) {
  std::string bytes = challenge.nonce;
  AppendLe(bytes, challenge.expires_at_us);
  bytes += MacOf(key, device, challenge);
  return bytes;
}

// UNAUTHENTICATED unless the challenge was made for this device and still holds.
absl::StatusOr<Challenge> Parse(std::string_view key, DeviceId device, std::string_view bytes,
                                int64_t now_us) {
  if (bytes.size() != kChallengeBytes) return CredentialInvalid();
  ByteReader reader(bytes);
  Challenge challenge;
  challenge.nonce = reader.ReadBytes(kNonceBytes);
  challenge.expires_at_us = reader.Read<int64_t>();
  const std::string mac = MacOf(key, device, challenge);
  if (!ConstantTimeEquals(mac, reader.rest()) || now_us >= challenge.expires_at_us) {
    return CredentialInvalid();
  }
  return challenge;
}

// The device's place, if `signature` is by its key.
absl::StatusOr<DeviceAccess> Verify(db::Transaction& tx, DeviceId device, std::string_view message,
                                    std::string_view signature) {
  TM_ASSIGN_OR_RETURN(const std::optional<DeviceAccess> access, FindDeviceAccess(tx, device));
  if (!access || !access->IsSignature(message, signature)) return CredentialInvalid();
  TM_RETURN_IF_ERROR(access->CheckActive());
  return *access;
}

void Purge(db::Transaction& tx, int64_t now_us) {
  tx.Exec(sql::kPurgeChallenges, now_us, kChallengesPurgedPerCallMax);
  tx.Exec(sql::kPurgeCredentials, now_us - absl::ToInt64Microseconds(kExpiredCredentialAge),
          kChallengesPurgedPerCallMax);
}

}  // namespace

absl::StatusOr<v1::RequestChallengeResponse> Sessions::RequestChallenge(
    const v1::RequestChallengeRequest& request, absl::Time /*deadline*/) const {
  TM_ASSIGN_OR_RETURN(const DeviceId device, ParseId<DeviceId>("device_id", request.device_id()));
  TM_RETURN_IF_ERROR(attempts_->Try(device.ToString()));
  TM_ASSIGN_OR_RETURN(const std::string key, context_.keys->ServiceKey("challenge"));
  const Challenge challenge{RandomBytes(kNonceBytes),
                            NowUs(*context_.clock) + absl::ToInt64Microseconds(kChallengeLife)};
  v1::RequestChallengeResponse response;
  response.set_challenge(Serialize(key, device, challenge));
  return response;
}

absl::StatusOr<v1::OpenSessionResponse> Sessions::Open(const v1::OpenSessionRequest& request,
                                                       absl::Time deadline) const {
  TM_ASSIGN_OR_RETURN(const DeviceId device, ParseId<DeviceId>("device_id", request.device_id()));
  TM_RETURN_IF_ERROR(attempts_->Try(device.ToString()));
  TM_ASSIGN_OR_RETURN(const std::string key, context_.keys->ServiceKey("challenge"));
  const int64_t now_us = NowUs(*context_.clock);
  TM_ASSIGN_OR_RETURN(const Challenge challenge, Parse(key, device, request.challenge(), now_us));
  const std::string signed_bytes =
      SessionProofBytes(context_.audience, device, request.challenge());
  const Token token = Token::Make(TokenKind::kDeviceSession);
  const int64_t expires_at_us = now_us + absl::ToInt64Microseconds(kSessionLife);
  auto opened = db::Transact(
      *context_.pool, "OpenSession", db::AccessScope::None(), deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::OpenSessionResponse> {
        TM_ASSIGN_OR_RETURN(const DeviceAccess access,
                            Verify(tx, device, signed_bytes, request.signature()));
        const pqxx::result used =
            tx.Exec(sql::kUseChallenge, db::Bytea(challenge.nonce), challenge.expires_at_us);
        if (used.affected_rows() == 0) return CredentialInvalid();
        InsertCredential(tx, token, CredentialKind::kDeviceSession, PrincipalId{device.uuid},
                         now_us, {.expires_at_us = expires_at_us});
        Purge(tx, now_us);
        v1::OpenSessionResponse response;
        response.set_session_token(token.ToString());
        *response.mutable_expires_at() = TimestampOfUs(expires_at_us);
        response.set_participant_id(access.participant_id.ToString());
        return response;
      });
  if (opened.ok()) attempts_->Prove(device.ToString());
  return opened;
}

}  // namespace tidemark::study
