#include "study/staff.h"

#include <map>
#include <string>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/evidence.h"
#include "study/fields.h"
#include "study/grants.h"
#include "study/page.h"
#include "study/pg_device_rows.h"
#include "study/principals.h"
#include "study/sign_in.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

absl::Status NoSuchPrincipal() {
  return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND, "no such principal");
}

EvidenceDetails About(PrincipalId principal, v1::Role role, rpc::DataKindSet kinds) {
  return {
      {"principal", principal.ToString()}, {"role", TextOf(role)}, {"data_kinds", TextOf(kinds)}};
}

// The kind of somebody who can have roles and was not revoked.
absl::StatusOr<PrincipalKind> LockGrantee(db::Transaction& tx, PrincipalId principal) {
  const pqxx::result rows = tx.Exec(sql::kFindPrincipal, principal.ToString());
  if (rows.empty()) return NoSuchPrincipal();
  const auto kind = static_cast<PrincipalKind>(rows[0]["kind"].as<int>());
  const auto state = static_cast<PrincipalState>(rows[0]["state"].as<int>());
  const bool can_have_roles = kind == PrincipalKind::kStaff || kind == PrincipalKind::kService;
  if (!can_have_roles || state != PrincipalState::kActive) return NoSuchPrincipal();
  return kind;
}

// A new principal with its first role, written and recorded.
absl::Status EnterPrincipal(db::Transaction& tx, const Context& context, const Call& call,
                            const NewPrincipal& principal, v1::Role role, rpc::DataKindSet kinds,
                            const std::string& action) {
  const int64_t now_us = NowUs(*context.clock);
  InsertPrincipal(tx, principal, now_us);
  SetGrant(tx, {call.study_id, principal.principal_id, role, kinds, call.principal_id}, now_us);
  return RecordInStudy(tx, context, call.principal_id, call.study_id, action,
                       About(principal.principal_id, role, kinds));
}

CredentialTerms TermsOfServiceToken(const Context& context) {
  if (context.service_token_life == absl::ZeroDuration()) return {};
  return {.expires_at_us =
              NowUs(*context.clock) + absl::ToInt64Microseconds(context.service_token_life)};
}

template <class Request>
absl::StatusOr<rpc::DataKindSet> KindsOf(const Request& request) {
  return DataKindsOf(request.has_data_kinds() ? &request.data_kinds() : nullptr);
}

v1::Grant GrantOfRow(const pqxx::row& row) {
  v1::Grant grant;
  grant.set_role(static_cast<v1::Role>(row["role"].as<int>()));
  rpc::DataKindSet::FromBits(row["data_kinds"].as<uint32_t>()).ForEach([&](v1::DataKind kind) {
    grant.add_data_kinds(kind);
  });
  *grant.mutable_granted_at() = TimestampOfUs(row["granted_at_us"].as<int64_t>());
  return grant;
}

// Rows of one principal follow each other.
void AddGrantRow(v1::ListGrantsResponse& response, const pqxx::row& row) {
  const auto id = row["principal_id"].as<std::string>();
  if (response.principals().empty() || response.principals().rbegin()->principal_id() != id) {
    v1::Principal& principal = *response.add_principals();
    principal.set_principal_id(id);
    principal.set_kind(static_cast<v1::PrincipalKind>(row["kind"].as<int>()));
    principal.set_display_name(row["display_name"].as<std::string>());
    principal.set_revoked(row["state"].as<int>() == static_cast<int>(PrincipalState::kRevoked));
  }
  *response.mutable_principals()->rbegin()->add_grants() = GrantOfRow(row);
}

absl::Status CheckAnotherOperator(db::Transaction& tx, PrincipalId leaving) {
  tx.Exec(sql::kLockBootstrap);
  for (const pqxx::row& row : tx.Exec(sql::kFindOperator)) {
    if (row["principal_id"].as<std::string>() != leaving.ToString()) return absl::OkStatus();
  }
  return StateConflict("the server would have no operator left");
}

// The installation's evidence is read by auditors, and has no other roles.
absl::Status CheckRoleIn(StudyId study, v1::Role role, PrincipalKind kind) {
  if (study == kInstallation && role != v1::ROLE_AUDITOR) {
    return rpc::FieldError("role", "is auditor for the evidence of the installation");
  }
  return CheckRole(role, kind);
}

// Everything that a principal holds ends, with evidence in every study where it had a role.
absl::Status End(db::Transaction& tx, const Context& context, const Call& call,
                 PrincipalId principal) {
  for (const pqxx::row& row : tx.Exec(sql::kListStudiesOfAdmin, principal.ToString())) {
    TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(row["study_id"].c_str()));
    TM_RETURN_IF_ERROR(CheckAdminRemains(tx, study, principal));
  }
  const int64_t now_us = NowUs(*context.clock);
  tx.Exec(sql::kSetPrincipalState, principal.ToString(), static_cast<int>(PrincipalState::kRevoked),
          now_us);
  tx.Exec(sql::kRevokeAllCredentials, principal.ToString(), now_us);
  std::map<StudyId, std::string> roles_by_study;
  for (const pqxx::row& row : tx.Exec(sql::kRemoveGrants, principal.ToString())) {
    TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(row["study_id"].c_str()));
    std::string& roles = roles_by_study[study];
    if (!roles.empty()) roles += ", ";
    roles += TextOf(static_cast<v1::Role>(row["role"].as<int>()));
  }
  if (roles_by_study.empty()) roles_by_study[kInstallation];
  for (const auto& [study, roles] : roles_by_study) {
    TM_RETURN_IF_ERROR(RecordInStudy(tx, context, call.principal_id, study, "principal.revoke",
                                     {{"principal", principal.ToString()}, {"roles", roles}}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::CreateStaffResponse> Staff::Create(const Call& call,
                                                      const v1::CreateStaffRequest& request) const {
  TM_RETURN_IF_ERROR(CheckLabel("display_name", request.display_name()));
  TM_RETURN_IF_ERROR(CheckRoleIn(call.study_id, request.role(), PrincipalKind::kStaff));
  TM_ASSIGN_OR_RETURN(const rpc::DataKindSet kinds, KindsOf(request));
  const NewPrincipal principal{.principal_id = PrincipalId{Uuid::MakeV7(context_.clock->Now())},
                               .kind = PrincipalKind::kStaff,
                               .display_name = request.display_name()};
  return context_.memory().Once<v1::CreateStaffResponse>(
      call, "CreateStaff", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateStaffResponse> {
        TM_RETURN_IF_ERROR(
            EnterPrincipal(tx, context_, call, principal, request.role(), kinds, "staff.create"));
        const SignInCode code = NewSignInCode(tx, principal.principal_id, *context_.clock);
        v1::CreateStaffResponse response;
        response.set_principal_id(principal.principal_id.ToString());
        response.set_sign_in_code(code.text);
        *response.mutable_code_expires_at() = TimestampOfUs(code.expires_at_us);
        return response;
      });
}

absl::StatusOr<v1::CreateServiceResponse> Staff::CreateService(
    const Call& call, const v1::CreateServiceRequest& request) const {
  TM_RETURN_IF_ERROR(CheckLabel("display_name", request.display_name()));
  TM_RETURN_IF_ERROR(CheckRoleIn(call.study_id, request.role(), PrincipalKind::kService));
  TM_ASSIGN_OR_RETURN(const rpc::DataKindSet kinds, KindsOf(request));
  const NewPrincipal principal{.principal_id = PrincipalId{Uuid::MakeV7(context_.clock->Now())},
                               .kind = PrincipalKind::kService,
                               .display_name = request.display_name()};
  const Token token = Token::Make(TokenKind::kService);
  return context_.memory().Once<v1::CreateServiceResponse>(
      call, "CreateService", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateServiceResponse> {
        TM_RETURN_IF_ERROR(
            EnterPrincipal(tx, context_, call, principal, request.role(), kinds, "service.create"));
        InsertCredential(tx, token, CredentialKind::kToken, principal.principal_id,
                         NowUs(*context_.clock), TermsOfServiceToken(context_));
        v1::CreateServiceResponse response;
        response.set_principal_id(principal.principal_id.ToString());
        response.set_token(token.ToString());
        return response;
      });
}

absl::StatusOr<v1::ListGrantsResponse> Staff::ListGrants(
    const Call& call, const v1::ListGrantsRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.AccessService/ListGrants",
                                 request.page_size(), request.page_token()));
  const std::string after = page.cursor().empty() ? PrincipalId().ToString() : page.cursor();
  return db::Transact(
      *context_.pool, "ListGrants", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListGrantsResponse> {
        v1::ListGrantsResponse response;
        for (const pqxx::row& row :
             tx.Exec(sql::kListGrants, call.study_id.ToString(), after, page.rows_to_ask())) {
          AddGrantRow(response, row);
        }
        const int count = response.principals_size();
        if (page.HasNext(count)) {
          response.mutable_principals()->RemoveLast();
          response.set_next_page_token(
              page.TokenAfter(response.principals().rbegin()->principal_id()));
        }
        return response;
      });
}

absl::StatusOr<v1::SetGrantResponse> Staff::SetGrant(const Call& call,
                                                     const v1::SetGrantRequest& request) const {
  TM_ASSIGN_OR_RETURN(const PrincipalId id,
                      ParseId<PrincipalId>("principal_id", request.principal_id()));
  TM_ASSIGN_OR_RETURN(const rpc::DataKindSet kinds, KindsOf(request));
  return context_.memory().Once<v1::SetGrantResponse>(
      call, "SetGrant", request, [&](db::Transaction& tx) -> absl::StatusOr<v1::SetGrantResponse> {
        TM_ASSIGN_OR_RETURN(const PrincipalKind kind, LockGrantee(tx, id));
        TM_RETURN_IF_ERROR(CheckRoleIn(call.study_id, request.role(), kind));
        v1::SetGrantResponse response;
        *response.mutable_grant() =
            study::SetGrant(tx, {call.study_id, id, request.role(), kinds, call.principal_id},
                            NowUs(*context_.clock));
        TM_RETURN_IF_ERROR(RecordInStudy(tx, context_, call.principal_id, call.study_id,
                                         "grant.set", About(id, request.role(), kinds)));
        return response;
      });
}

absl::StatusOr<v1::RemoveGrantResponse> Staff::RemoveGrant(
    const Call& call, const v1::RemoveGrantRequest& request) const {
  TM_ASSIGN_OR_RETURN(const PrincipalId id,
                      ParseId<PrincipalId>("principal_id", request.principal_id()));
  return context_.memory().Once<v1::RemoveGrantResponse>(
      call, "RemoveGrant", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RemoveGrantResponse> {
        if (request.role() == v1::ROLE_ADMIN) {
          TM_RETURN_IF_ERROR(CheckAdminRemains(tx, call.study_id, id));
        }
        if (study::RemoveGrant(tx, call.study_id, id, request.role())) {
          TM_RETURN_IF_ERROR(
              RecordInStudy(tx, context_, call.principal_id, call.study_id, "grant.remove",
                            {{"principal", id.ToString()}, {"role", TextOf(request.role())}}));
        }
        return v1::RemoveGrantResponse();
      });
}

absl::StatusOr<v1::RevokePrincipalResponse> Staff::Revoke(
    const Call& call, const v1::RevokePrincipalRequest& request) const {
  TM_ASSIGN_OR_RETURN(const PrincipalId id,
                      ParseId<PrincipalId>("principal_id", request.principal_id()));
  return context_.memory().Once<v1::RevokePrincipalResponse>(
      call, "RevokePrincipal", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RevokePrincipalResponse> {
        const pqxx::result rows = tx.Exec(sql::kFindPrincipal, id.ToString());
        if (rows.empty()) return NoSuchPrincipal();
        const auto kind = static_cast<PrincipalKind>(rows[0]["kind"].as<int>());
        if (kind == PrincipalKind::kDevice) return NoSuchPrincipal();
        if (kind == PrincipalKind::kOperator) TM_RETURN_IF_ERROR(CheckAnotherOperator(tx, id));
        TM_RETURN_IF_ERROR(End(tx, context_, call, id));
        return v1::RevokePrincipalResponse();
      });
}

}  // namespace tidemark::study
