#include "study/studies.h"

#include <optional>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/first_consent.h"
#include "study/grants.h"
#include "study/page.h"
#include "study/principals.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

absl::Status StudyTaken(std::string message) {
  return rpc::Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALREADY_EXISTS,
                    std::move(message));
}

v1::Study StudyOfRow(const pqxx::row& row) {
  v1::Study study;
  study.set_study_id(row["study_id"].as<std::string>());
  study.set_name(row["name"].as<std::string>());
  *study.mutable_created_at() = TimestampOfUs(row["created_at_us"].as<int64_t>());
  return study;
}

v1::Participant ParticipantOfRow(const pqxx::row& row) {
  v1::Participant participant;
  participant.set_participant_id(row["participant_id"].as<std::string>());
  participant.set_study_id(row["study_id"].as<std::string>());
  participant.set_code(row["code"].as<std::string>());
  participant.set_state(static_cast<v1::ParticipantState>(row["state"].as<int>()));
  *participant.mutable_created_at() = TimestampOfUs(row["created_at_us"].as<int64_t>());
  return participant;
}

absl::StatusOr<FirstConsent> ConsentAtEntry(const v1::CreateParticipantRequest& request) {
  TM_ASSIGN_OR_RETURN(FirstConsent consent, ReadFirstConsent("", request));
  if (!consent.kinds.IsEmpty()) return consent;
  if (!request.document().empty()) {
    return rpc::FieldError("document", "is given if and only if something is consented to");
  }
  if (request.has_consented_from_ns()) {
    return rpc::FieldError("consented_from_ns", "is given only if something is consented to");
  }
  return consent;
}

}  // namespace

absl::StatusOr<v1::CreateStudyResponse> Studies::Create(
    const Call& call, const v1::CreateStudyRequest& request) const {
  TM_RETURN_IF_ERROR(CheckName("name", request.name()));
  const StudyId id{Uuid::MakeV7(context_.clock->Now())};
  const int64_t now_us = NowUs(*context_.clock);
  return context_.memory().Once<v1::CreateStudyResponse>(
      call, "CreateStudy", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateStudyResponse> {
        if (tx.Exec(sql::kInsertStudy, id.ToString(), request.name(), now_us).affected_rows() ==
            0) {
          return StudyTaken("a study of this name exists");
        }
        tx.SetScope(db::AccessScope::Study(id));
        TM_RETURN_IF_ERROR(AppendAudit(
            tx, *context_.keys, *context_.clock,
            {id.uuid, id, "study.create", call.principal_id, {{"name", request.name()}}}));
        v1::CreateStudyResponse response;
        response.mutable_study()->set_study_id(id.ToString());
        response.mutable_study()->set_name(request.name());
        *response.mutable_study()->mutable_created_at() = TimestampOfUs(now_us);
        return response;
      });
}

absl::StatusOr<v1::ListStudiesResponse> Studies::List(const Call& call,
                                                      const v1::ListStudiesRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.StudyService/ListStudies",
                                 request.page_size(), request.page_token()));
  return db::Transact(
      *context_.pool, "ListStudies", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListStudiesResponse> {
        const pqxx::result rows =
            tx.Exec(sql::kListStudies,
                    call.is_operator ? std::nullopt : std::optional(call.principal_id.ToString()),
                    page.cursor(), page.rows_to_ask());
        const int count = static_cast<int>(rows.size());
        v1::ListStudiesResponse response;
        for (int i = 0; i < page.RowsOf(count); ++i) *response.add_studies() = StudyOfRow(rows[i]);
        if (page.HasNext(count)) {
          response.set_next_page_token(page.TokenAfter(response.studies().rbegin()->name()));
        }
        return response;
      });
}

absl::StatusOr<v1::CreateManagerResponse> Studies::CreateManager(
    const Call& call, const v1::CreateManagerRequest& request) const {
  TM_ASSIGN_OR_RETURN(const StudyId study, ParseId<StudyId>("study_id", request.study_id()));
  TM_RETURN_IF_ERROR(CheckLabel("display_name", request.display_name()));
  const PrincipalId id{Uuid::MakeV7(context_.clock->Now())};
  const Token token = Token::Make(TokenKind::kStaff);
  const int64_t now_us = NowUs(*context_.clock);
  return context_.memory().Once<v1::CreateManagerResponse>(
      call, "CreateManager", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateManagerResponse> {
        if (tx.Exec(sql::kFindStudy, study.ToString()).empty()) {
          return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                            "no such study");
        }
        InsertPrincipal(tx,
                        {.principal_id = id,
                         .kind = PrincipalKind::kStaff,
                         .display_name = request.display_name()},
                        now_us);
        InsertCredential(tx, token, CredentialKind::kToken, id, now_us);
        for (const v1::Role role : {v1::ROLE_MANAGER, v1::ROLE_ADMIN}) {
          SetGrant(tx, {study, id, role, rpc::kOrdinaryKinds, call.principal_id}, now_us);
        }
        tx.SetScope(db::AccessScope::Study(study));
        TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                       {study.uuid,
                                        study,
                                        "manager.create",
                                        call.principal_id,
                                        {{"manager", id.ToString()}}}));
        v1::CreateManagerResponse response;
        response.set_principal_id(id.ToString());
        response.set_token(token.ToString());
        return response;
      });
}

absl::StatusOr<v1::CreateParticipantResponse> Studies::CreateParticipant(
    const Call& call, const v1::CreateParticipantRequest& request) const {
  TM_RETURN_IF_ERROR(CheckName("code", request.code()));
  TM_ASSIGN_OR_RETURN(const FirstConsent consent, ConsentAtEntry(request));
  const StudyId study = call.study_id;
  const ParticipantId id{Uuid::MakeV7(context_.clock->Now())};
  const int64_t now_us = NowUs(*context_.clock);
  return context_.memory().Once<v1::CreateParticipantResponse>(
      call, "CreateParticipant", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateParticipantResponse> {
        const pqxx::result entered =
            tx.Exec(sql::kInsertDirectoryEntry, study.ToString(), request.code(), id.ToString());
        if (entered.affected_rows() == 0)
          return StudyTaken("the study has a participant of this code");
        tx.Exec(sql::kInsertParticipant, id.ToString(), study.ToString(), request.code(), now_us);
        TM_RETURN_IF_ERROR(
            InsertFirstConsent(tx, *context_.keys, id, study, consent, call.principal_id, now_us));
        TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                       {id.uuid,
                                        study,
                                        "participant.create",
                                        call.principal_id,
                                        {{"code", request.code()},
                                         {"consented", TextOf(consent.kinds)},
                                         {"document", consent.document}}}));
        v1::CreateParticipantResponse response;
        v1::Participant& participant = *response.mutable_participant();
        participant.set_participant_id(id.ToString());
        participant.set_study_id(study.ToString());
        participant.set_code(request.code());
        participant.set_state(v1::PARTICIPANT_STATE_ACTIVE);
        *participant.mutable_created_at() = TimestampOfUs(now_us);
        return response;
      });
}

absl::StatusOr<v1::ListParticipantsResponse> Studies::ListParticipants(
    const Call& call, const v1::ListParticipantsRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.StudyService/ListParticipants",
                                 request.page_size(), request.page_token()));
  return db::Transact(
      *context_.pool, "ListParticipants", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListParticipantsResponse> {
        const pqxx::result rows = tx.Exec(sql::kListParticipants, call.study_id.ToString(),
                                          page.cursor(), page.rows_to_ask());
        const int count = static_cast<int>(rows.size());
        v1::ListParticipantsResponse response;
        for (int i = 0; i < page.RowsOf(count); ++i) {
          *response.add_participants() = ParticipantOfRow(rows[i]);
        }
        if (page.HasNext(count)) {
          response.set_next_page_token(page.TokenAfter(response.participants().rbegin()->code()));
        }
        return response;
      });
}

}  // namespace tidemark::study
