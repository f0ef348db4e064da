// staff, service, role and token: who may do what, and how they prove who they are.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "ingest/client/durable_file.h"
#include "tidemark/v1/access.grpc.pb.h"

namespace tidemark::cli {
namespace {

using AccessStub = v1::AccessService::Stub;

struct AccessOptions {
  std::string study;
  std::string name;
  std::string principal;
  std::string role;
  std::string data;
  std::string token_out;
  std::string code;
  std::string public_id;
  int days = 90;
};

std::string KindsText(const v1::Grant& grant) {
  std::vector<std::string> words;
  for (const int kind : grant.data_kinds())
    words.push_back(WordOf(static_cast<v1::DataKind>(kind)));
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ","));
}

// Without --data the server grants the ordinary kinds; "none" grants none.
template <class Request>
absl::Status SetKinds(const AccessOptions& options, Request& request) {
  if (options.data.empty()) return absl::OkStatus();
  request.mutable_data_kinds();
  if (options.data == "none") return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const auto kinds, ParseDataKinds("--data", options.data));
  for (const v1::DataKind kind : kinds) request.mutable_data_kinds()->add_kinds(kind);
  return absl::OkStatus();
}

// A request about a role in a study, with all that the options say of it.
template <class Request>
absl::StatusOr<Request> AboutRole(const Api& api, const AccessOptions& options) {
  Request request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api.StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const v1::Role role, ParseWord<v1::Role>("--role", options.role));
  request.set_role(role);
  if constexpr (requires { request.mutable_data_kinds(); }) {
    TM_RETURN_IF_ERROR(SetKinds(options, request));
  }
  if constexpr (requires { request.set_display_name(""); }) request.set_display_name(options.name);
  if constexpr (requires { request.set_principal_id(""); }) {
    request.set_principal_id(options.principal);
  }
  return request;
}

// The secret of an answer goes to the file that was named, else to stdout, once.
template <class Answer>
absl::Status HandOut(const Context& context, const AccessOptions& options, Answer& answer,
                     std::string* secret) {
  if (!options.token_out.empty()) {
    TM_RETURN_IF_ERROR(ingest::WriteFileDurably(options.token_out, *secret + "\n", 0600));
    secret->clear();
  } else if (!context.json()) {
    PrintData(*secret + "\n");
  }
  if (context.json()) PrintJson(answer);
  return absl::OkStatus();
}

absl::Status CreateStaff(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto request, AboutRole<v1::CreateStaffRequest>(*api, options));
  TM_ASSIGN_OR_RETURN(const auto made, api->Call(*api->access, &AccessStub::CreateStaff, request));
  if (context.json()) {
    PrintJson(made);
  } else {
    PrintData(fmt::format("principal  {}\ncode       {}\nexpires    {}\n", made.principal_id(),
                          made.sign_in_code(), FormatTime(made.code_expires_at())));
  }
  return absl::OkStatus();
}

absl::Status NewCode(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateSignInCodeRequest request;
  request.set_request_id(NewRequestId());
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  request.set_principal_id(options.principal);
  TM_ASSIGN_OR_RETURN(const auto made,
                      api->Call(*api->access, &AccessStub::CreateSignInCode, request));
  if (context.json()) {
    PrintJson(made);
  } else {
    PrintData(fmt::format("code     {}\nexpires  {}\n", made.sign_in_code(),
                          FormatTime(made.code_expires_at())));
  }
  return absl::OkStatus();
}

absl::Status SignIn(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.anonymous_api());
  v1::SignInRequest request;
  request.set_sign_in_code(options.code);
  TM_ASSIGN_OR_RETURN(auto session, api->Call(*api->access, &AccessStub::SignIn, request));
  context.progress().Say(fmt::format("signed in until {}, renewable until {}",
                                     FormatTime(session.expires_at()),
                                     FormatTime(session.renewable_until())));
  return HandOut(context, options, session, session.mutable_session_token());
}

absl::Status CreateService(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto request, AboutRole<v1::CreateServiceRequest>(*api, options));
  TM_ASSIGN_OR_RETURN(auto made, api->Call(*api->access, &AccessStub::CreateService, request));
  context.progress().Say("principal " + made.principal_id());
  return HandOut(context, options, made, made.mutable_token());
}

absl::Status ListGrants(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ListGrantsRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), api->StudyId(options.study));
  TM_ASSIGN_OR_RETURN(const auto list, api->List(*api->access, &AccessStub::ListGrants, request));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"NAME", "KIND", "ROLE", "DATA", "SINCE", "ID"});
  for (const v1::Principal& principal : list.principals()) {
    for (const v1::Grant& grant : principal.grants()) {
      table.AddRow({principal.display_name(), WordOf(principal.kind()), WordOf(grant.role()),
                    KindsText(grant), FormatTime(grant.granted_at()), principal.principal_id()});
    }
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

absl::Status SetGrant(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto request, AboutRole<v1::SetGrantRequest>(*api, options));
  TM_ASSIGN_OR_RETURN(const auto made, api->Call(*api->access, &AccessStub::SetGrant, request));
  if (context.json()) {
    PrintJson(made.grant());
  } else {
    PrintData(fmt::format("{}  {}\n", WordOf(made.grant().role()), KindsText(made.grant())));
  }
  return absl::OkStatus();
}

absl::Status RemoveGrant(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto request, AboutRole<v1::RemoveGrantRequest>(*api, options));
  return api->Call(*api->access, &AccessStub::RemoveGrant, request).status();
}

absl::Status RevokePrincipal(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::RevokePrincipalRequest request;
  request.set_request_id(NewRequestId());
  request.set_principal_id(options.principal);
  return api->Call(*api->access, &AccessStub::RevokePrincipal, request).status();
}

absl::Status CreateToken(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::CreateTokenRequest request;
  request.set_request_id(NewRequestId());
  request.set_label(options.name);
  request.set_days(static_cast<uint32_t>(options.days));
  TM_ASSIGN_OR_RETURN(auto made, api->Call(*api->access, &AccessStub::CreateToken, request));
  context.progress().Say(
      fmt::format("token {} until {}", made.public_id(), FormatTime(made.expires_at())));
  return HandOut(context, options, made, made.mutable_token());
}

absl::Status RenewSession(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(
      auto session, api->Call(*api->access, &AccessStub::RenewSession, v1::RenewSessionRequest()));
  context.progress().Say("session until " + FormatTime(session.expires_at()));
  return HandOut(context, options, session, session.mutable_session_token());
}

absl::Status ListTokens(Context& context, const AccessOptions& /*options*/) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  TM_ASSIGN_OR_RETURN(const auto list,
                      api->List(*api->access, &AccessStub::ListTokens, v1::ListTokensRequest()));
  if (context.json()) {
    PrintJson(list);
    return absl::OkStatus();
  }
  Table table({"TOKEN", "LABEL", "KIND", "CREATED", "EXPIRES"});
  for (const v1::TokenInfo& token : list.tokens()) {
    table.AddRow({token.public_id(), token.label(), token.is_session() ? "session" : "token",
                  FormatTime(token.created_at()),
                  token.has_expires_at() ? FormatTime(token.expires_at()) : "never"});
  }
  PrintData(table.Format());
  return absl::OkStatus();
}

absl::Status RevokeToken(Context& context, const AccessOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::RevokeTokenRequest request;
  request.set_request_id(NewRequestId());
  request.set_public_id(options.public_id);
  return api->Call(*api->access, &AccessStub::RevokeToken, request).status();
}

constexpr char kRoleHelp[] = "labeler, researcher, manager, admin, auditor; trainer, detector";
constexpr char kDataHelp[] =
    "Kinds of recordings, such as motion,audio, or none; without: all but audio, video, location";
constexpr char kTokenOutHelp[] = "Write the token to this file (mode 0600) instead of stdout";

class Builder {
 public:
  explicit Builder(Commands& commands)
      : commands_(commands), options_(std::make_shared<AccessOptions>()) {}

  flags::Command Verb(flags::Command noun, const char* name, const char* help,
                      absl::Status (*run)(Context&, const AccessOptions&)) {
    return commands_.Verb(noun, name, help, [options = options_, run](Context& context) {
      return run(context, *options);
    });
  }
  flags::Command Noun(const char* name, const char* help) { return commands_.Noun(name, help); }
  AccessOptions& options() { return *options_; }

  const flags::Command& Study(const flags::Command& verb) {
    verb.AddOption("--study", options_->study, "Id or name").Required();
    return verb;
  }
  const flags::Command& Role(const flags::Command& verb) {
    verb.AddOption("--role", options_->role, kRoleHelp).Required();
    return verb;
  }
  void Principal(const flags::Command& verb) {
    verb.AddOption("principal", options_->principal, "Id, as `tidemark role list` shows it")
        .Required();
  }
  void TokenOut(const flags::Command& verb) {
    verb.AddOption("--token-out", options_->token_out, kTokenOutHelp);
  }

 private:
  Commands& commands_;
  std::shared_ptr<AccessOptions> options_;
};

void AddStaff(Builder& builder) {
  AccessOptions& options = builder.options();
  const flags::Command staff = builder.Noun("staff", "People who work on a study");
  const flags::Command create = builder.Role(builder.Study(builder.Verb(
      staff, "create", "Enter a person with a first role; prints a sign-in code", CreateStaff)));
  create.AddOption("--name", options.name, "How the person is shown to others").Required();
  create.AddOption("--data", options.data, kDataHelp);
  builder.Principal(builder.Study(
      builder.Verb(staff, "code", "Make a new sign-in code; earlier ones end", NewCode)));
  const flags::Command sign_in =
      builder.Verb(staff, "sign-in", "Exchange a sign-in code for a session token", SignIn);
  sign_in.AddOption("code", options.code, "As it was given out").Required();
  builder.TokenOut(sign_in);
  builder.Principal(builder.Verb(staff, "revoke",
                                 "End a person or a service for good, in all studies (operators)",
                                 RevokePrincipal));
}

void AddRoles(Builder& builder) {
  const flags::Command role = builder.Noun("role", "Who may do what in a study");
  builder.Study(builder.Verb(role, "list", "List people, services and their roles", ListGrants));
  const flags::Command set = builder.Role(builder.Study(
      builder.Verb(role, "set", "Grant a role, or change its kinds of data", SetGrant)));
  set.AddOption("--data", builder.options().data, kDataHelp);
  builder.Principal(set);
  builder.Principal(
      builder.Role(builder.Study(builder.Verb(role, "remove", "Take a role away", RemoveGrant))));
}

void AddServices(Builder& builder) {
  const flags::Command service = builder.Noun("service", "Programs that work on a study");
  const flags::Command create = builder.Role(builder.Study(builder.Verb(
      service, "create", "Enter a trainer or detector; prints its token, once", CreateService)));
  create.AddOption("--name", builder.options().name, "How it is shown to others").Required();
  create.AddOption("--data", builder.options().data, kDataHelp);
  builder.TokenOut(create);
}

void AddTokens(Builder& builder) {
  AccessOptions& options = builder.options();
  const flags::Command token = builder.Noun("token", "Your own tokens and sessions");
  const flags::Command create =
      builder.Verb(token, "create", "Make a lasting token for your programs", CreateToken);
  create.AddOption("label", options.name, "What it is for").Required();
  create.AddOption("--days", options.days, "Days it holds").Range(1, 366).ShowDefault();
  builder.TokenOut(create);
  builder.Verb(token, "list", "List live tokens and sessions", ListTokens);
  builder.Verb(token, "revoke", "End a token or session", RevokeToken)
      .AddOption("token", options.public_id, "As `tidemark token list` shows it")
      .Required();
  builder.TokenOut(builder.Verb(
      token, "renew", "Exchange the session token for a new one of 12 hours", RenewSession));
}

}  // namespace

void AddAccessCommands(Commands& commands) {
  Builder builder(commands);
  AddStaff(builder);
  AddRoles(builder);
  AddServices(builder);
  AddTokens(builder);
}

}  // namespace tidemark::cli
