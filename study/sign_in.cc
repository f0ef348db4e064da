#include "study/sign_in.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/evidence.h"
#include "study/fields.h"
#include "study/page.h"
#include "study/pg_device_rows.h"
#include "study/principals.h"
#include "study/sql.h"
#include "study/token.h"

namespace tidemark::study {
namespace {

absl::Status SignInCodeInvalid() {
  return rpc::Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_SIGN_IN_CODE_INVALID,
                    "the sign-in code is not valid");
}

absl::Status SessionOver() {
  return rpc::Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SESSION_OVER,
                    "the session cannot be renewed any more: sign in again");
}

// Who a code is for, if `token` is it and it still holds. Counts a wrong secret.
std::optional<PrincipalId> Redeemer(db::Transaction& tx, const Token& token, int64_t now_us) {
  const pqxx::result rows = tx.Exec(sql::kLockSignInCode, token.public_id);
  if (rows.empty()) return std::nullopt;
  const pqxx::row row = rows[0];
  const bool is_live = !row["revoked"].as<bool>() &&
                       row["failed_attempts"].as<int>() < kSignInAttemptsMax &&
                       now_us < row["expires_at_us"].as<int64_t>() &&
                       row["state"].as<int>() == static_cast<int>(PrincipalState::kActive);
  if (!is_live) return std::nullopt;
  if (!token.Proves(db::BytesOf(row["secret_sha256"]))) {
    tx.Exec(sql::kCountWrongCode, token.public_id);
    return std::nullopt;
  }
  const auto principal = PrincipalId::Parse(row["principal_id"].c_str());
  return principal.ok() ? std::optional(*principal) : std::nullopt;
}

// A new session of a person, never beyond `renewable_until_us`.
struct NewSession {
  std::string text;
  int64_t expires_at_us = 0;
};
NewSession OpenSession(db::Transaction& tx, PrincipalId principal, int64_t now_us,
                       int64_t renewable_until_us) {
  const Token token = Token::Make(TokenKind::kStaffSession);
  const int64_t expires_at_us =
      std::min(now_us + absl::ToInt64Microseconds(kStaffSessionLife), renewable_until_us);
  InsertCredential(tx, token, CredentialKind::kStaffSession, principal, now_us,
                   {.expires_at_us = expires_at_us, .renewable_until_us = renewable_until_us});
  return {token.ToString(), expires_at_us};
}

// A place in a list of tokens: "<created_at in us>/<public id>".
struct TokenCursor {
  int64_t created_at_us = 0;
  std::string public_id;

  static TokenCursor Parse(const std::string& text) {
    TokenCursor cursor;
    const size_t slash = text.find('/');
    if (slash == std::string::npos) return cursor;
    std::from_chars(text.data(), text.data() + slash, cursor.created_at_us);
    cursor.public_id = text.substr(slash + 1);
    return cursor;
  }
};

// Whoever holds a code of a person can do what that person can, in every study: so it takes an
// admin of all of them, or an operator.
absl::Status CheckMayBecome(db::Transaction& tx, const Call& call, PrincipalId person) {
  bool has_role_here = false;
  bool asker_is_admin = true;
  for (const pqxx::row& row :
       tx.Exec(sql::kListStudiesOfPerson, person.ToString(), call.principal_id.ToString())) {
    TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(row["study_id"].c_str()));
    has_role_here = has_role_here || study == call.study_id;
    asker_is_admin = asker_is_admin && row["asker_is_admin"].as<bool>();
  }
  if (!has_role_here) {
    return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                      "nobody with a role in this study");
  }
  if (!asker_is_admin && !call.is_operator) {
    return rpc::Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NOT_PERMITTED,
                      "this person also has roles in studies of other admins: ask an operator");
  }
  return absl::OkStatus();
}

}  // namespace

SignInCode NewSignInCode(db::Transaction& tx, PrincipalId principal, const Clock& clock) {
  const int64_t now_us = NowUs(clock);
  const int64_t expires_at_us = now_us + absl::ToInt64Microseconds(kSignInCodeLife);
  const Token code = Token::Make(TokenKind::kSignInCode);
  RevokeCredentials(tx, principal, CredentialKind::kSignInCode, now_us);
  InsertCredential(tx, code, CredentialKind::kSignInCode, principal, now_us,
                   {.expires_at_us = expires_at_us});
  return {code.ToString(), expires_at_us};
}

absl::StatusOr<v1::CreateSignInCodeResponse> SignIn::CreateCode(
    const Call& call, const v1::CreateSignInCodeRequest& request) const {
  TM_ASSIGN_OR_RETURN(const PrincipalId id,
                      ParseId<PrincipalId>("principal_id", request.principal_id()));
  return context_.memory().Once<v1::CreateSignInCodeResponse>(
      call, "CreateSignInCode", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateSignInCodeResponse> {
        TM_RETURN_IF_ERROR(CheckMayBecome(tx, call, id));
        const SignInCode code = NewSignInCode(tx, id, *context_.clock);
        TM_RETURN_IF_ERROR(
            RecordAboutPrincipal(tx, context_, call.principal_id, id, "signin.create", {}));
        v1::CreateSignInCodeResponse response;
        response.set_sign_in_code(code.text);
        *response.mutable_code_expires_at() = TimestampOfUs(code.expires_at_us);
        return response;
      });
}

absl::StatusOr<v1::SignInResponse> SignIn::Redeem(const v1::SignInRequest& request,
                                                  absl::Time deadline) const {
  const std::optional<Token> token = Token::Parse(request.sign_in_code());
  if (!token || token->kind != TokenKind::kSignInCode) return SignInCodeInvalid();
  TM_RETURN_IF_ERROR(attempts_->Try(token->public_id));
  const int64_t now_us = NowUs(*context_.clock);
  const int64_t renewable_until_us = now_us + absl::ToInt64Microseconds(kStaffSessionRenewable);
  // A wrong secret must commit its count, so that the refusal is the value of the transaction.
  TM_ASSIGN_OR_RETURN(
      const std::optional<v1::SignInResponse> response,
      db::Transact(*context_.pool, "SignIn", db::AccessScope::None(), deadline,
                   [&](db::Transaction& tx) -> absl::StatusOr<std::optional<v1::SignInResponse>> {
                     const std::optional<PrincipalId> principal = Redeemer(tx, *token, now_us);
                     if (!principal) return std::nullopt;
                     RevokeCredentials(tx, *principal, CredentialKind::kSignInCode, now_us);
                     const NewSession session =
                         OpenSession(tx, *principal, now_us, renewable_until_us);
                     v1::SignInResponse made;
                     made.set_session_token(session.text);
                     *made.mutable_expires_at() = TimestampOfUs(session.expires_at_us);
                     *made.mutable_renewable_until() = TimestampOfUs(renewable_until_us);
                     made.set_principal_id(principal->ToString());
                     TM_RETURN_IF_ERROR(RecordAboutPrincipal(tx, context_, *principal, *principal,
                                                             "signin.redeem", {}));
                     return made;
                   }));
  if (!response) return SignInCodeInvalid();
  return *response;
}

absl::StatusOr<v1::RenewSessionResponse> SignIn::Renew(
    const Call& call, const v1::RenewSessionRequest& /*request*/) const {
  return db::Transact(
      *context_.pool, "RenewSession", db::AccessScope::None(), call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RenewSessionResponse> {
        const std::string principal = call.principal_id.ToString();
        const pqxx::result rows = tx.Exec(sql::kFindSession, call.credential_id, principal);
        if (rows.empty()) return StateConflict("the call was not made with a session");
        const int64_t now_us = NowUs(*context_.clock);
        const auto renewable_until_us = rows[0]["renewable_until_us"].as<int64_t>();
        if (now_us >= renewable_until_us) return SessionOver();
        tx.Exec(sql::kRevokeCredential, call.credential_id, principal, now_us);
        const NewSession session = OpenSession(tx, call.principal_id, now_us, renewable_until_us);
        v1::RenewSessionResponse response;
        response.set_session_token(session.text);
        *response.mutable_expires_at() = TimestampOfUs(session.expires_at_us);
        return response;
      });
}

absl::StatusOr<v1::CreateTokenResponse> SignIn::CreateToken(
    const Call& call, const v1::CreateTokenRequest& request) const {
  TM_RETURN_IF_ERROR(CheckLabel("label", request.label()));
  if (request.days() > kTokenDaysMax) return rpc::FieldError("days", "is at most 366");
  const uint32_t days = request.days() == 0 ? kTokenDaysDefault : request.days();
  const Token token = Token::Make(call.is_operator ? TokenKind::kOperator : TokenKind::kStaff);
  return context_.memory().Once<v1::CreateTokenResponse>(
      call, "CreateToken", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::CreateTokenResponse> {
        const int64_t now_us = NowUs(*context_.clock);
        const pqxx::result live = tx.Exec(sql::kCountTokens, call.principal_id.ToString(), now_us);
        if (live[0][0].as<int>() >= kTokensPerPrincipalMax) {
          return rpc::Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
                            fmt::format("{} tokens are live: revoke one", kTokensPerPrincipalMax));
        }
        const int64_t expires_at_us = now_us + absl::ToInt64Microseconds(absl::Hours(24) * days);
        InsertCredential(tx, token, CredentialKind::kToken, call.principal_id, now_us,
                         {.expires_at_us = expires_at_us, .label = request.label()});
        TM_RETURN_IF_ERROR(
            RecordAboutPrincipal(tx, context_, call.principal_id, call.principal_id, "token.create",
                                 {{"token", token.public_id}, {"days", fmt::format("{}", days)}}));
        v1::CreateTokenResponse response;
        response.set_public_id(token.public_id);
        response.set_token(token.ToString());
        *response.mutable_expires_at() = TimestampOfUs(expires_at_us);
        return response;
      });
}

absl::StatusOr<v1::ListTokensResponse> SignIn::ListTokens(
    const Call& call, const v1::ListTokensRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.AccessService/ListTokens",
                                 request.page_size(), request.page_token()));
  const TokenCursor after = TokenCursor::Parse(page.cursor());
  return db::Transact(
      *context_.pool, "ListTokens", db::AccessScope::None(), call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListTokensResponse> {
        const pqxx::result rows =
            tx.Exec(sql::kListTokens, call.principal_id.ToString(), NowUs(*context_.clock),
                    after.created_at_us, after.public_id, page.rows_to_ask());
        const int count = static_cast<int>(rows.size());
        v1::ListTokensResponse response;
        for (int i = 0; i < page.RowsOf(count); ++i) {
          v1::TokenInfo& token = *response.add_tokens();
          token.set_public_id(rows[i]["public_id"].as<std::string>());
          token.set_label(rows[i]["label"].as<std::string>());
          token.set_is_session(rows[i]["kind"].as<int>() ==
                               static_cast<int>(CredentialKind::kStaffSession));
          *token.mutable_created_at() = TimestampOfUs(rows[i]["created_at_us"].as<int64_t>());
          if (!rows[i]["expires_at_us"].is_null()) {
            *token.mutable_expires_at() = TimestampOfUs(rows[i]["expires_at_us"].as<int64_t>());
          }
        }
        if (page.HasNext(count)) {
          const pqxx::row last = rows[page.RowsOf(count) - 1];
          response.set_next_page_token(page.TokenAfter(
              fmt::format("{}/{}", last["created_at_us"].c_str(), last["public_id"].c_str())));
        }
        return response;
      });
}

absl::StatusOr<v1::RevokeTokenResponse> SignIn::RevokeToken(
    const Call& call, const v1::RevokeTokenRequest& request) const {
  return context_.memory().Once<v1::RevokeTokenResponse>(
      call, "RevokeToken", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::RevokeTokenResponse> {
        const pqxx::result revoked = tx.Exec(sql::kRevokeCredential, request.public_id(),
                                             call.principal_id.ToString(), NowUs(*context_.clock));
        if (revoked.affected_rows() == 0) {
          return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                            "no such token");
        }
        TM_RETURN_IF_ERROR(RecordAboutPrincipal(tx, context_, call.principal_id, call.principal_id,
                                                "token.revoke", {{"token", request.public_id()}}));
        return v1::RevokeTokenResponse();
      });
}

}  // namespace tidemark::study
