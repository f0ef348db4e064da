#include "study/devices.h"

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/page.h"
#include "study/pg_device_rows.h"
#include "study/principals.h"
#include "study/sql.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::study {
namespace {

constexpr int kParticipantActive = v1::PARTICIPANT_STATE_ACTIVE;

absl::Status CheckTakesPart(db::Transaction& tx, ParticipantId participant) {
  const pqxx::result rows = tx.Exec(sql::kFindParticipant, participant.ToString());
  if (rows.empty()) {
    return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                      "no such participant");
  }
  if (rows[0]["state"].as<int>() != kParticipantActive) {
    return StateConflict("the participant does not take part any more");
  }
  return absl::OkStatus();
}

// The device of this name: a new one, or one that was made before and never enrolled.
absl::StatusOr<v1::Device> PendingDevice(db::Transaction& tx, const Call& call,
                                         const std::string& name, DeviceId new_id, int64_t now_us) {
  const std::string participant = call.participant_id.ToString();
  const pqxx::result inserted = tx.Exec(sql::kInsertDevice, participant, new_id.ToString(),
                                        call.study_id.ToString(), name, now_us);
  const pqxx::result rows = tx.Exec(sql::kLockDeviceByName, participant, name);
  if (rows.empty()) return NoSuchDevice();
  v1::Device device = DeviceOfRow(rows[0]);
  if (device.state() != v1::DEVICE_STATE_PENDING) {
    return rpc::Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALREADY_EXISTS,
                      "the participant has a device of this name");
  }
  if (inserted.affected_rows() == 1) {
    InsertPrincipal(tx,
                    {.principal_id = PrincipalId{new_id.uuid},
                     .kind = PrincipalKind::kDevice,
                     .study_id = call.study_id,
                     .participant_id = call.participant_id,
                     .display_name = name,
                     .state = PrincipalState::kPending},
                    now_us);
  }
  return device;
}

AuditEntry AboutDevice(const Call& call, std::string action, std::string device_id) {
  return {call.participant_id.uuid,
          call.study_id,
          std::move(action),
          call.principal_id,
          {{"device", std::move(device_id)}}};
}

}  // namespace

absl::StatusOr<v1::EnrolmentCode> Devices::NewCode(db::Transaction& tx, DeviceId device) const {
  const PrincipalId principal{device.uuid};
  const int64_t now_us = NowUs(*context_.clock);
  const int64_t expires_at_us = now_us + absl::ToInt64Microseconds(kEnrolmentCodeLife);
  const Token code = Token::Make(TokenKind::kEnrolment);
  RevokeCredentials(tx, principal, CredentialKind::kEnrolmentCode, now_us);
  InsertCredential(tx, code, CredentialKind::kEnrolmentCode, principal, now_us,
                   {.expires_at_us = expires_at_us});
  v1::EnrolmentCode made;
  made.set_code(code.ToString());
  *made.mutable_expires_at() = TimestampOfUs(expires_at_us);
  return made;
}

absl::StatusOr<v1::CreateDeviceResponse> Devices::Create(
    const Call& call, const v1::CreateDeviceRequest& request) const {
  TM_RETURN_IF_ERROR(CheckLabel("name", request.name()));
  const DeviceId new_id{Uuid::MakeV7(context_.clock->Now())};
  return context_.memory().Once<v1::CreateDeviceResponse>(
      call, "CreateDevice", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateDeviceResponse> {
        TM_RETURN_IF_ERROR(CheckTakesPart(tx, call.participant_id));
        v1::CreateDeviceResponse response;
        TM_ASSIGN_OR_RETURN(
            *response.mutable_device(),
            PendingDevice(tx, call, request.name(), new_id, NowUs(*context_.clock)));
        TM_ASSIGN_OR_RETURN(const DeviceId id, DeviceId::Parse(response.device().device_id()));
        TM_ASSIGN_OR_RETURN(*response.mutable_enrolment_code(), NewCode(tx, id));
        TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                       AboutDevice(call, "device.create", id.ToString())));
        return response;
      });
}

absl::StatusOr<v1::CreateEnrolmentCodeResponse> Devices::CreateEnrolmentCode(
    const Call& call, const v1::CreateEnrolmentCodeRequest& request) const {
  TM_ASSIGN_OR_RETURN(const DeviceId id, ParseId<DeviceId>("device_id", request.device_id()));
  return context_.memory().Once<v1::CreateEnrolmentCodeResponse>(
      call, "CreateEnrolmentCode", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateEnrolmentCodeResponse> {
        const pqxx::result rows =
            tx.Exec(sql::kLockDevice, call.participant_id.ToString(), id.ToString());
        if (rows.empty()) return NoSuchDevice();
        if (DeviceOfRow(rows[0]).state() != v1::DEVICE_STATE_PENDING) {
          return StateConflict("the device has enrolled or was revoked");
        }
        v1::CreateEnrolmentCodeResponse response;
        TM_ASSIGN_OR_RETURN(*response.mutable_enrolment_code(), NewCode(tx, id));
        TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                       AboutDevice(call, "device.enrolment_code", id.ToString())));
        return response;
      });
}

absl::StatusOr<v1::ListDevicesResponse> Devices::List(const Call& call,
                                                      const v1::ListDevicesRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.DeviceService/ListDevices",
                                 request.page_size(), request.page_token()));
  const std::string after = page.cursor().empty() ? DeviceId{}.ToString() : page.cursor();
  return db::Transact(
      *context_.pool, "ListDevices", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListDevicesResponse> {
        const pqxx::result rows =
            tx.Exec(sql::kListDevices, call.participant_id.ToString(), after, page.rows_to_ask());
        const int count = static_cast<int>(rows.size());
        v1::ListDevicesResponse response;
        for (int i = 0; i < page.RowsOf(count); ++i) {
          *response.add_devices() = DeviceOfRow(rows[i]);
        }
        if (page.HasNext(count)) {
          response.set_next_page_token(page.TokenAfter(response.devices().rbegin()->device_id()));
        }
        return response;
      });
}

// Keys and sessions stay as they are: what refuses a revoked device is its state, so that it can be
// told why.
absl::StatusOr<v1::RevokeDeviceResponse> Devices::Revoke(
    const Call& call, const v1::RevokeDeviceRequest& request) const {
  TM_ASSIGN_OR_RETURN(const DeviceId id, ParseId<DeviceId>("device_id", request.device_id()));
  const std::string participant = call.participant_id.ToString();
  return context_.memory().Once<v1::RevokeDeviceResponse>(
      call, "RevokeDevice", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RevokeDeviceResponse> {
        const pqxx::result rows = tx.Exec(sql::kLockDevice, participant, id.ToString());
        if (rows.empty()) return NoSuchDevice();
        v1::RevokeDeviceResponse response;
        *response.mutable_device() = DeviceOfRow(rows[0]);
        if (response.device().state() == v1::DEVICE_STATE_REVOKED) return response;
        const int64_t now_us = NowUs(*context_.clock);
        tx.Exec(sql::kSetDeviceRevoked, participant, id.ToString(), now_us);
        tx.Exec(sql::kSetPrincipalState, id.ToString(), static_cast<int>(PrincipalState::kRevoked),
                now_us);
        TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                       AboutDevice(call, "device.revoke", id.ToString())));
        response.mutable_device()->set_state(v1::DEVICE_STATE_REVOKED);
        return response;
      });
}

}  // namespace tidemark::study
