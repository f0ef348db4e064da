#include "study/enrolment.h"

#include <optional>

#include "base/crypto.h"
#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/devices.h"
#include "study/fields.h"
#include "study/pg_device_rows.h"
#include "study/principals.h"
#include "study/proofs.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

absl::Status EnrolmentCodeInvalid() {
  return rpc::Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_ENROLMENT_CODE_INVALID,
                    "the enrolment code is not valid");
}

// The device holds the private half of `public_key`.
absl::Status CheckProof(const std::string& key_field, std::string_view public_key,
                        std::string_view message, std::string_view proof) {
  const absl::StatusOr<VerifyKey> key = VerifyKey::FromP256Der(public_key);
  if (!key.ok()) return rpc::FieldError(key_field, "is a P-256 key as DER SubjectPublicKeyInfo");
  if (!key->Verify(message, proof)) return rpc::FieldError("proof", "is a signature by that key");
  return absl::OkStatus();
}

// A code as it is stored, with its device.
struct Code {
  std::string secret_sha256;
  int failed_attempts = 0;
  std::optional<std::string> redeemed_key;
  bool revoked = false;
  int64_t expires_at_us = 0;
  DeviceId device_id;
  ParticipantId participant_id;
  StudyId study_id;
  PrincipalState device_state = PrincipalState::kPending;
};

absl::StatusOr<std::optional<Code>> LockCode(db::Transaction& tx, const std::string& public_id) {
  const pqxx::result rows = tx.Exec(sql::kLockEnrolmentCode, public_id);
  if (rows.empty()) return std::nullopt;
  const pqxx::row row = rows[0];
  Code code;
  code.secret_sha256 = db::BytesOf(row["secret_sha256"]);
  code.failed_attempts = row["failed_attempts"].as<int>();
  if (!row["redeemed_key"].is_null()) code.redeemed_key = db::BytesOf(row["redeemed_key"]);
  code.revoked = row["revoked"].as<bool>();
  code.expires_at_us = row["expires_at_us"].as<int64_t>();
  TM_ASSIGN_OR_RETURN(code.device_id, DeviceId::Parse(row["device_id"].c_str()));
  TM_ASSIGN_OR_RETURN(code.participant_id, ParticipantId::Parse(row["participant_id"].c_str()));
  TM_ASSIGN_OR_RETURN(code.study_id, StudyId::Parse(row["study_id"].c_str()));
  code.device_state = static_cast<PrincipalState>(row["state"].as<int>());
  return code;
}

bool IsLive(const Code& code, int64_t now_us) {
  return !code.revoked && code.failed_attempts < kEnrolmentAttemptsMax &&
         now_us < code.expires_at_us;
}

// Whether `public_key` may be enrolled by this code: the first to come, and the same again.
bool MayRedeem(const Code& code, std::string_view public_key) {
  if (!code.redeemed_key) return code.device_state == PrincipalState::kPending;
  return *code.redeemed_key == public_key && code.device_state == PrincipalState::kActive;
}

absl::Status Redeem(db::Transaction& tx, const Context& context, const Code& code,
                    const std::string& public_id, std::string_view public_key) {
  const int64_t now_us = NowUs(*context.clock);
  const std::string device = code.device_id.ToString();
  tx.Exec(sql::kRedeemCode, public_id, db::Bytea(public_key));
  tx.Exec(sql::kInsertDeviceKey, device, db::Bytea(public_key), now_us);
  tx.Exec(sql::kSetDeviceActive, code.participant_id.ToString(), device, now_us);
  tx.Exec(sql::kSetPrincipalState, device, static_cast<int>(PrincipalState::kActive), now_us);
  return AppendAudit(tx, *context.keys, *context.clock,
                     {code.participant_id.uuid,
                      code.study_id,
                      "device.enrol",
                      PrincipalId{code.device_id.uuid},
                      {{"device", device}}});
}

}  // namespace

absl::StatusOr<v1::EnrolResponse> Enrolment::Enrol(const v1::EnrolRequest& request,
                                                   absl::Time deadline) const {
  const std::optional<Token> token = Token::Parse(request.code());
  if (!token || token->kind != TokenKind::kEnrolment) return EnrolmentCodeInvalid();
  TM_RETURN_IF_ERROR(attempts_->Try(token->public_id));
  TM_RETURN_IF_ERROR(CheckProof("public_key", request.public_key(),
                                EnrolProofBytes(request.code(), request.public_key()),
                                request.proof()));
  // A wrong secret must commit its count, so that the refusal is the value of the transaction.
  TM_ASSIGN_OR_RETURN(
      const std::optional<v1::Device> device,
      db::Transact(
          *context_.pool, "Enrol", db::AccessScope::None(), deadline,
          [&](db::Transaction& tx) -> absl::StatusOr<std::optional<v1::Device>> {
            TM_ASSIGN_OR_RETURN(const std::optional<Code> code, LockCode(tx, token->public_id));
            if (!code || !IsLive(*code, NowUs(*context_.clock))) return std::nullopt;
            if (!token->Proves(code->secret_sha256)) {
              tx.Exec(sql::kCountWrongCode, token->public_id);
              return std::nullopt;
            }
            if (!MayRedeem(*code, request.public_key())) return std::nullopt;
            tx.SetScope(db::AccessScope::Participant(code->participant_id));
            if (!code->redeemed_key) {
              TM_RETURN_IF_ERROR(
                  Redeem(tx, context_, *code, token->public_id, request.public_key()));
            }
            const pqxx::result rows = tx.Exec(sql::kLockDevice, code->participant_id.ToString(),
                                              code->device_id.ToString());
            if (rows.empty()) return std::nullopt;
            return DeviceOfRow(rows[0]);
          }));
  if (!device) return EnrolmentCodeInvalid();
  v1::EnrolResponse response;
  *response.mutable_device() = *device;
  response.set_audience(context_.audience);
  return response;
}

absl::StatusOr<v1::RotateKeyResponse> Enrolment::RotateKey(
    const Call& call, const v1::RotateKeyRequest& request) const {
  const std::string& new_key = request.new_public_key();
  TM_RETURN_IF_ERROR(CheckProof("new_public_key", new_key,
                                RotateProofBytes(call.device_id, new_key), request.proof()));
  const std::string device = call.device_id.ToString();
  return db::Transact(
      *context_.pool, "RotateKey", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RotateKeyResponse> {
        const pqxx::result rows = tx.Exec(sql::kLockDeviceKey, device);
        if (rows.empty()) return StateConflict("the device has no key");
        const std::string old_key = db::BytesOf(rows[0]["public_key"]);
        if (old_key == new_key) return v1::RotateKeyResponse();
        const int64_t now_us = NowUs(*context_.clock);
        tx.Exec(sql::kEndDeviceKey, device, db::Bytea(old_key), now_us);
        if (tx.Exec(sql::kInsertDeviceKey, device, db::Bytea(new_key), now_us).affected_rows() ==
            0) {
          return StateConflict("the device gave up this key before");
        }
        TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                       {call.participant_id.uuid,
                                        call.study_id,
                                        "device.rotate_key",
                                        call.principal_id,
                                        {{"device", device}}}));
        return v1::RotateKeyResponse();
      });
}

}  // namespace tidemark::study
