#include "study/participants.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <string>
#include <utility>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/grants.h"
#include "study/page.h"
#include "study/participant_rows.h"
#include "study/pg_device_rows.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr size_t kWithdrawalReasonBytesMax = 256;
constexpr char kWithdrawalDocument[] = "withdrawal";

absl::Status RecordAboutParticipant(db::Transaction& tx, const Context& context, const Call& call,
                                    std::string action,
                                    std::map<std::string, std::string> details) {
  return AppendAudit(tx, *context.keys, *context.clock,
                     {call.participant_id.uuid, call.study_id, std::move(action), call.principal_id,
                      std::move(details)});
}

// The decision as it will be stored; without a beginning it begins now.
absl::StatusOr<v1::Consent> CheckedConsent(const v1::Consent& asked, int64_t now_ns) {
  if (!v1::DataKind_IsValid(asked.data_kind()) || asked.data_kind() == v1::DATA_KIND_UNSPECIFIED) {
    return rpc::FieldError("consent.data_kind", "is a known kind");
  }
  if (asked.decision() != v1::CONSENT_DECISION_GRANTED &&
      asked.decision() != v1::CONSENT_DECISION_REFUSED) {
    return rpc::FieldError("consent.decision", "is granted or refused");
  }
  TM_RETURN_IF_ERROR(CheckLabel("consent.document", asked.document()));
  v1::Consent consent;
  consent.set_data_kind(asked.data_kind());
  consent.set_decision(asked.decision());
  consent.set_document(asked.document());
  consent.set_valid_from_ns(asked.valid_from_ns() == 0 ? now_ns : asked.valid_from_ns());
  if (asked.has_valid_until_ns()) {
    if (asked.valid_until_ns() <= consent.valid_from_ns()) {
      return rpc::FieldError("consent.valid_until_ns", "comes after valid_from_ns");
    }
    consent.set_valid_until_ns(asked.valid_until_ns());
  }
  return consent;
}

// Ends what was granted: of every kind that was ever decided, from `at_ns` on.
absl::Status EndAllConsent(db::Transaction& tx, store::KeyStore& keys, const Call& call,
                           int64_t at_ns, int64_t now_us) {
  std::set<v1::DataKind> kinds;
  for (const v1::Consent& consent : FindDecisions(tx, call.participant_id)) {
    kinds.insert(consent.data_kind());
  }
  for (const v1::DataKind kind : kinds) {
    v1::Consent end;
    end.set_data_kind(kind);
    end.set_decision(v1::CONSENT_DECISION_REFUSED);
    end.set_valid_from_ns(at_ns);
    end.set_document(kWithdrawalDocument);
    TM_RETURN_IF_ERROR(
        InsertConsent(tx, keys, call.participant_id, call.study_id, end, call.principal_id, now_us)
            .status());
  }
  return absl::OkStatus();
}

// A place in the list of decisions: "<kind>/<version>".
std::pair<int, uint32_t> ParseCursor(const std::string& text) {
  std::pair<int, uint32_t> place{0, 0};
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return place;
  std::from_chars(text.data(), text.data() + slash, place.first);
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), place.second);
  return place;
}

}  // namespace

absl::StatusOr<v1::GetParticipantResponse> Participants::Get(
    const Call& call, const v1::GetParticipantRequest& /*request*/) const {
  return db::Transact(
      *context_.pool, "GetParticipant", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::GetParticipantResponse> {
        TM_ASSIGN_OR_RETURN(const ParticipantRow row, LockParticipant(tx, call.participant_id));
        v1::GetParticipantResponse response;
        *response.mutable_participant() = row.participant;
        *response.mutable_state_since() = TimestampOfUs(row.state_since_us);
        const int64_t now_ns = NowUs(*context_.clock) * kNsPerUs;
        TM_ASSIGN_OR_RETURN(const std::vector<v1::Consent> consents,
                            FindConsents(tx, *context_.keys, call.participant_id));
        for (v1::Consent& consent : ConsentsAt(consents, now_ns)) {
          *response.add_consents() = std::move(consent);
        }
        if (row.sealed_attributes) {
          TM_ASSIGN_OR_RETURN(
              *response.mutable_attributes(),
              OpenAttributes(*context_.keys, call.participant_id, *row.sealed_attributes));
        }
        const pqxx::result devices = tx.Exec(sql::kCountDevices, call.participant_id.ToString());
        response.set_devices(devices[0][0].as<uint32_t>());
        return response;
      });
}

absl::StatusOr<v1::RecordConsentResponse> Participants::RecordConsent(
    const Call& call, const v1::RecordConsentRequest& request) const {
  const int64_t now_us = NowUs(*context_.clock);
  TM_ASSIGN_OR_RETURN(const v1::Consent consent,
                      CheckedConsent(request.consent(), now_us * kNsPerUs));
  return context_.memory().Once<v1::RecordConsentResponse>(
      call, "RecordConsent", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RecordConsentResponse> {
        TM_ASSIGN_OR_RETURN(const ParticipantRow row, LockParticipant(tx, call.participant_id));
        if (consent.decision() == v1::CONSENT_DECISION_GRANTED &&
            row.participant.state() != v1::PARTICIPANT_STATE_ACTIVE) {
          return StateConflict("the participant does not take part any more");
        }
        v1::RecordConsentResponse response;
        TM_ASSIGN_OR_RETURN(*response.mutable_consent(),
                            InsertConsent(tx, *context_.keys, call.participant_id, call.study_id,
                                          consent, call.principal_id, now_us));
        TM_RETURN_IF_ERROR(RecordAboutParticipant(
            tx, context_, call, "consent.record",
            {{"data_kinds", TextOf(rpc::DataKindSet{consent.data_kind()})},
             {"decision",
              consent.decision() == v1::CONSENT_DECISION_GRANTED ? "granted" : "refused"},
             {"version", fmt::format("{}", response.consent().version())},
             {"document", consent.document()}}));
        return response;
      });
}

absl::StatusOr<v1::ListConsentsResponse> Participants::ListConsents(
    const Call& call, const v1::ListConsentsRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page, Page::Open(*context_.keys, call,
                                                  "/tidemark.v1.ParticipantService/ListConsents",
                                                  request.page_size(), request.page_token()));
  const auto after = ParseCursor(page.cursor());
  return db::Transact(
      *context_.pool, "ListConsents", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListConsentsResponse> {
        v1::ListConsentsResponse response;
        TM_ASSIGN_OR_RETURN(std::vector<v1::Consent> consents,
                            FindConsents(tx, *context_.keys, call.participant_id));
        for (v1::Consent& consent : consents) {
          if (std::pair(static_cast<int>(consent.data_kind()), consent.version()) <= after)
            continue;
          if (response.consents_size() + 1 == page.rows_to_ask()) {
            const v1::Consent& last = *response.consents().rbegin();
            response.set_next_page_token(page.TokenAfter(
                fmt::format("{}/{}", static_cast<int>(last.data_kind()), last.version())));
            break;
          }
          *response.add_consents() = std::move(consent);
        }
        return response;
      });
}

absl::StatusOr<v1::SetAttributesResponse> Participants::SetAttributes(
    const Call& call, const v1::SetAttributesRequest& request) const {
  TM_RETURN_IF_ERROR(CheckAttributes("attributes", request.attributes()));
  return context_.memory().Once<v1::SetAttributesResponse>(
      call, "SetAttributes", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::SetAttributesResponse> {
        TM_RETURN_IF_ERROR(LockParticipant(tx, call.participant_id).status());
        TM_ASSIGN_OR_RETURN(
            const std::string sealed,
            SealAttributes(*context_.keys, call.participant_id, request.attributes()));
        tx.Exec(sql::kSetAttributes, call.participant_id.ToString(), db::Bytea(sealed));
        TM_RETURN_IF_ERROR(
            RecordAboutParticipant(tx, context_, call, "participant.attributes", {}));
        return v1::SetAttributesResponse();
      });
}

absl::StatusOr<v1::CompleteParticipantResponse> Participants::Complete(
    const Call& call, const v1::CompleteParticipantRequest& request) const {
  return context_.memory().Once<v1::CompleteParticipantResponse>(
      call, "CompleteParticipant", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CompleteParticipantResponse> {
        TM_ASSIGN_OR_RETURN(ParticipantRow row, LockParticipant(tx, call.participant_id));
        if (row.participant.state() != v1::PARTICIPANT_STATE_ACTIVE) {
          return StateConflict("the participant does not take part any more");
        }
        SetParticipantState(tx, call.participant_id, v1::PARTICIPANT_STATE_COMPLETED,
                            NowUs(*context_.clock));
        TM_RETURN_IF_ERROR(RecordAboutParticipant(tx, context_, call, "participant.complete", {}));
        v1::CompleteParticipantResponse response;
        row.participant.set_state(v1::PARTICIPANT_STATE_COMPLETED);
        *response.mutable_participant() = std::move(row.participant);
        return response;
      });
}

absl::StatusOr<v1::WithdrawParticipantResponse> Participants::Withdraw(
    const Call& call, const v1::WithdrawParticipantRequest& request) const {
  const int64_t now_us = NowUs(*context_.clock);
  const int64_t at_ns = request.at_ns() == 0 ? now_us * kNsPerUs : request.at_ns();
  if (at_ns > now_us * kNsPerUs) return rpc::FieldError("at_ns", "is not in the future");
  if (request.reason().size() > kWithdrawalReasonBytesMax) {
    return rpc::FieldError("reason", "has at most 256 bytes");
  }
  return context_.memory().Once<v1::WithdrawParticipantResponse>(
      call, "WithdrawParticipant", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::WithdrawParticipantResponse> {
        TM_ASSIGN_OR_RETURN(ParticipantRow row, LockParticipant(tx, call.participant_id));
        if (row.participant.state() != v1::PARTICIPANT_STATE_WITHDRAWN) {
          TM_RETURN_IF_ERROR(EndAllConsent(tx, *context_.keys, call, at_ns, now_us));
          SetParticipantState(tx, call.participant_id, v1::PARTICIPANT_STATE_WITHDRAWN, now_us);
          TM_RETURN_IF_ERROR(RecordAboutParticipant(
              tx, context_, call, "participant.withdraw",
              {{"at_ns", fmt::format("{}", at_ns)}, {"reason", request.reason()}}));
        }
        v1::WithdrawParticipantResponse response;
        row.participant.set_state(v1::PARTICIPANT_STATE_WITHDRAWN);
        *response.mutable_participant() = std::move(row.participant);
        return response;
      });
}

}  // namespace tidemark::study
