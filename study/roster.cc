#include "study/roster.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <set>
#include <string>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/first_consent.h"
#include "study/grants.h"
#include "study/participant_rows.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr size_t kFaultsNamedMax = 20;

absl::Status CheckEntry(const std::string& field, const v1::RosterEntry& entry,
                        std::set<std::string>& seen) {
  TM_RETURN_IF_ERROR(CheckName(field + ".code", entry.code()));
  if (!seen.insert(entry.code()).second) {
    return rpc::FieldError(field + ".code", "stands once");
  }
  TM_RETURN_IF_ERROR(ReadFirstConsent(field + ".", entry).status());
  return CheckAttributes(field + ".attributes", entry.attributes());
}

// One status that names all wrong entries, the first ones in words.
absl::Status CheckEntries(const v1::ImportRosterRequest& request) {
  if (request.entries().empty() || request.entries_size() > kRosterEntriesMax) {
    return rpc::FieldError("entries", "has 1 to 1000 entries");
  }
  std::set<std::string> seen;
  std::string first_field;
  std::string faults;
  size_t count = 0;
  for (int i = 0; i < request.entries_size(); ++i) {
    const std::string field = fmt::format("entries[{}]", i);
    const absl::Status status = CheckEntry(field, request.entries(i), seen);
    if (status.ok()) continue;
    if (++count > kFaultsNamedMax) continue;
    if (first_field.empty()) first_field = field;
    if (!faults.empty()) faults += "; ";
    faults += std::string(status.message());
  }
  if (count == 0) return absl::OkStatus();
  if (count > kFaultsNamedMax) faults += fmt::format("; and {} more", count - kFaultsNamedMax);
  return rpc::FieldError(first_field, faults);
}

absl::Status EnterParticipant(db::Transaction& tx, const Context& context, const Call& call,
                              const v1::RosterEntry& entry, ParticipantId id, int64_t now_us) {
  tx.Exec(sql::kInsertParticipant, id.ToString(), call.study_id.ToString(), entry.code(), now_us);
  TM_ASSIGN_OR_RETURN(const FirstConsent consent, ReadFirstConsent("", entry));
  TM_RETURN_IF_ERROR(
      InsertFirstConsent(tx, *context.keys, id, call.study_id, consent, call.principal_id, now_us));
  if (entry.has_attributes()) {
    TM_ASSIGN_OR_RETURN(const std::string sealed,
                        SealAttributes(*context.keys, id, entry.attributes()));
    tx.Exec(sql::kSetAttributes, id.ToString(), db::Bytea(sealed));
  }
  return AppendAudit(tx, *context.keys, *context.clock,
                     {id.uuid,
                      call.study_id,
                      "participant.import",
                      call.principal_id,
                      {{"code", entry.code()},
                       {"consented", TextOf(consent.kinds)},
                       {"document", entry.document()}}});
}

// Whether a participant was entered from the same entry.
absl::StatusOr<bool> IsSame(db::Transaction& tx, const Context& context, const ParticipantRow& row,
                            ParticipantId id, const v1::RosterEntry& entry) {
  rpc::DataKindSet granted;
  TM_ASSIGN_OR_RETURN(const std::vector<v1::Consent> consents, FindConsents(tx, *context.keys, id));
  for (const v1::Consent& consent : consents) {
    if (consent.decision() == v1::CONSENT_DECISION_GRANTED &&
        consent.document() == entry.document() &&
        (!entry.has_consented_from_ns() || consent.valid_from_ns() == entry.consented_from_ns())) {
      granted.Add(consent.data_kind());
    }
  }
  if (granted != rpc::DataKindSet::Of(entry.consented())) return false;
  v1::Attributes attributes;
  if (row.sealed_attributes) {
    TM_ASSIGN_OR_RETURN(attributes, OpenAttributes(*context.keys, id, *row.sealed_attributes));
  }
  return MessageDifferencer::Equals(attributes, entry.attributes());
}

// Says which entry a code is taken in; the code itself stays out of messages.
absl::Status AtEntry(const absl::Status& status, int entry) {
  if (rpc::ReasonOf(status) != v1::ERROR_REASON_ALREADY_EXISTS) return status;
  return rpc::Error(status.code(), v1::ERROR_REASON_ALREADY_EXISTS,
                    fmt::format("entries[{}].code: {}", entry, std::string(status.message())));
}

// The participant of an entry: a new one, or the one that was entered from it before.
struct Entered {
  v1::Participant participant;
  bool is_new = false;
};
absl::StatusOr<Entered> EnterOrFind(db::Transaction& tx, const Context& context, const Call& call,
                                    const v1::RosterEntry& entry, int64_t now_us) {
  const ParticipantId new_id{Uuid::MakeV7(context.clock->Now())};
  const bool is_new =
      tx.Exec(sql::kInsertDirectoryEntry, call.study_id.ToString(), entry.code(), new_id.ToString())
          .affected_rows() == 1;
  ParticipantId id = new_id;
  if (is_new) {
    TM_RETURN_IF_ERROR(EnterParticipant(tx, context, call, entry, new_id, now_us));
  } else {
    const pqxx::result rows =
        tx.Exec(sql::kFindParticipantByCode, call.study_id.ToString(), entry.code());
    if (rows.empty()) return absl::AbortedError("a participant was erased just now");
    TM_ASSIGN_OR_RETURN(id, ParticipantId::Parse(rows[0][0].c_str()));
  }
  TM_ASSIGN_OR_RETURN(const ParticipantRow row, LockParticipant(tx, id));
  if (!is_new) {
    TM_ASSIGN_OR_RETURN(const bool is_same, IsSame(tx, context, row, id, entry));
    if (!is_same) {
      return rpc::Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALREADY_EXISTS,
                        "the study has another participant of this code");
    }
  }
  return Entered{row.participant, is_new};
}

}  // namespace

absl::StatusOr<v1::ImportRosterResponse> Roster::Import(
    const Call& call, const v1::ImportRosterRequest& request) const {
  TM_RETURN_IF_ERROR(CheckEntries(request));
  const int64_t now_us = NowUs(*context_.clock);
  return context_.memory().Once<v1::ImportRosterResponse>(
      call, "ImportRoster", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ImportRosterResponse> {
        v1::ImportRosterResponse response;
        for (const v1::RosterEntry& entry : request.entries()) {
          absl::StatusOr<Entered> entered = EnterOrFind(tx, context_, call, entry, now_us);
          if (!entered.ok()) return AtEntry(entered.status(), response.participants_size());
          *response.add_participants() = std::move(entered->participant);
          if (entered->is_new) response.set_created(response.created() + 1);
        }
        return response;
      });
}

}  // namespace tidemark::study
