#include "study/database_authorizer.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/base64.h"
#include "base/crypto.h"
#include "base/endian.h"
#include "base/log.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/fields.h"
#include "study/proofs.h"
#include "study/token.h"

namespace tidemark::study {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kSignatureVersion = "v1.";
constexpr char kSignatureMetadata[] = "tidemark-device-signature";
constexpr char kSignedField[] = "bundle";
constexpr absl::Duration kLookupMost = absl::Seconds(5);
constexpr size_t kRefreshesMax = 4096;
constexpr int64_t kLogTagPeriodUs = int64_t{24} * 3600 * 1'000'000;
constexpr size_t kLogTagBytes = 8;

absl::Status CredentialInvalid() {
  return rpc::Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIAL_INVALID,
                    "the credential is not valid");
}

// The same words for a wrong kind of caller, a foreign object and one that does not exist.
absl::Status NotPermitted() {
  return rpc::Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NOT_PERMITTED,
                    "not permitted");
}

// The value of a metadata key that came exactly once; nothing otherwise.
std::optional<std::string_view> FindMetadata(const grpc::ServerContextBase& context,
                                             const char* key) {
  const auto [begin, end] = context.client_metadata().equal_range(key);
  if (begin == end || std::next(begin) != end) return std::nullopt;
  return std::string_view(begin->second.data(), begin->second.size());
}

bool HasMetadata(const grpc::ServerContextBase& context, const char* key) {
  return context.client_metadata().contains(key);
}

std::optional<std::string> StringField(const google::protobuf::Message& message,
                                       const std::string& name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    return std::nullopt;
  }
  return message.GetReflection()->GetString(message, field);
}

rpc::Caller CallerOf(const CredentialRecord& record, std::string credential_id) {
  rpc::Caller caller;
  caller.kind = static_cast<rpc::CallerKind>(record.principal_kind);
  caller.principal_id = record.principal_id;
  caller.study_id = record.study_id;
  caller.participant_id = record.participant_id;
  if (caller.kind == rpc::CallerKind::kDevice) {
    caller.device_id = DeviceId{record.principal_id.uuid};
    caller.participant_erased = record.state == PrincipalState::kErased;
  }
  caller.credential_id = std::move(credential_id);
  return caller;
}

rpc::Caller CallerOf(const DeviceAccess& access) {
  rpc::Caller caller;
  caller.kind = rpc::CallerKind::kDevice;
  caller.principal_id = PrincipalId{access.device_id.uuid};
  caller.study_id = access.study_id;
  caller.participant_id = access.participant_id;
  caller.device_id = access.device_id;
  caller.participant_erased = access.IsErased();
  return caller;
}

bool MayProve(TokenKind token, const CredentialRecord& record) {
  switch (token) {
    case TokenKind::kOperator:
      return record.principal_kind == PrincipalKind::kOperator &&
             record.kind == CredentialKind::kToken;
    case TokenKind::kStaff:
      return record.principal_kind == PrincipalKind::kStaff &&
             record.kind == CredentialKind::kToken;
    case TokenKind::kService:
      return record.principal_kind == PrincipalKind::kService &&
             record.kind == CredentialKind::kToken;
    case TokenKind::kStaffSession:
      return record.kind == CredentialKind::kStaffSession;
    case TokenKind::kDeviceSession:
      return record.kind == CredentialKind::kDeviceSession;
    case TokenKind::kSignInCode:
    case TokenKind::kEnrolment:
      return false;
  }
  return false;
}

bool HasGrants(rpc::CallerKind kind) {
  return kind == rpc::CallerKind::kStaff || kind == rpc::CallerKind::kService;
}

// What the caller could do when the call began must still be granted, all of it.
absl::Status CheckStillGranted(const rpc::Caller& caller, const GrantsRecord& grants) {
  const GrantsRecord::Match match = grants.In(caller.object_study, caller.roles);
  return match.roles == caller.roles && match.data_kinds.Contains(caller.data_kinds)
             ? absl::OkStatus()
             : NotPermitted();
}

bool Allows(const v1::Authz& policy, rpc::CallerKind kind) {
  return std::find(policy.allowed().begin(), policy.allowed().end(), static_cast<int>(kind)) !=
         policy.allowed().end();
}

}  // namespace

// A shared limit for ids that are not known would be used up by whoever makes ids up, and shut out
// the owners of those that this server has only not seen yet. A look-up is one step of an index,
// and the pool bounds how many there are at a time.
DatabaseAuthorizer::DatabaseAuthorizer(Context context, rpc::PolicyTable policies)
    : context_(std::move(context)),
      policies_(std::move(policies)),
      directory_(context_),
      wrong_credentials_(context_.clock, {.strangers = kUnlimited}),
      refreshes_(kRefreshesMax, kRefreshesMax),
      refresher_([this] { RefreshLoop(); }) {}

DatabaseAuthorizer::~DatabaseAuthorizer() {
  refreshes_.Close();
  refresher_.join();
}

absl::StatusOr<rpc::Caller> DatabaseAuthorizer::Authorize(
    std::string_view method, const grpc::ServerContextBase& context,
    const google::protobuf::Message& request) {
  const v1::Authz* policy = policies_.Find(method);
  if (policy == nullptr) return NotPermitted();
  if (policy->unauthenticated()) return rpc::Caller();
  TM_ASSIGN_OR_RETURN(rpc::Caller caller, Authenticate(*policy, context, request));
  const absl::Status admitted =
      Admit(caller, *policy, request, rpc::DeadlineOf(context, kLookupMost));
  if (!admitted.ok()) return rpc::WithCaller(admitted, *this, caller);
  return caller;
}

absl::Status DatabaseAuthorizer::Admit(rpc::Caller& caller, const v1::Authz& policy,
                                       const google::protobuf::Message& request,
                                       absl::Time deadline) {
  if (!Allows(policy, caller.kind)) return NotPermitted();
  if (caller.participant_erased && !policy.also_erased()) return NotPermitted();
  TM_RETURN_IF_ERROR(Reach(caller, policy, request, deadline));
  return TakeRoles(caller, policy, deadline);
}

absl::StatusOr<rpc::Caller> DatabaseAuthorizer::Authenticate(
    const v1::Authz& policy, const grpc::ServerContextBase& context,
    const google::protobuf::Message& request) {
  const absl::Time deadline = rpc::DeadlineOf(context, kLookupMost);
  if (HasMetadata(context, "authorization")) {
    const auto header = FindMetadata(context, "authorization");
    if (!header || header->substr(0, kBearer.size()) != kBearer) return CredentialInvalid();
    return ByToken(header->substr(kBearer.size()), deadline);
  }
  if (policy.device_signature()) {
    const auto header = FindMetadata(context, kSignatureMetadata);
    if (header) return BySignature(*header, request, deadline);
  }
  return CredentialInvalid();
}

absl::StatusOr<rpc::Caller> DatabaseAuthorizer::ByToken(std::string_view text,
                                                        absl::Time deadline) {
  const std::optional<Token> token = Token::Parse(text);
  if (!token) return CredentialInvalid();
  const auto known = directory_.PeekCredential(token->public_id);
  if (!known || known->value == nullptr) {
    TM_RETURN_IF_ERROR(wrong_credentials_.CheckRoom(token->public_id));
  }
  TM_ASSIGN_OR_RETURN(const auto record, directory_.FindCredential(token->public_id, deadline));
  if (record == nullptr || !token->Proves(record->secret_sha256) ||
      !MayProve(token->kind, *record)) {
    TM_RETURN_IF_ERROR(wrong_credentials_.Try(token->public_id));
    return CredentialInvalid();
  }
  rpc::Caller caller = CallerOf(*record, token->public_id);
  const absl::Status holds = record->CheckHolds(NowUs(*context_.clock));
  if (!holds.ok()) return rpc::WithCaller(holds, *this, caller);
  return caller;
}

absl::StatusOr<rpc::Caller> DatabaseAuthorizer::BySignature(
    std::string_view header, const google::protobuf::Message& request, absl::Time deadline) {
  if (header.substr(0, kSignatureVersion.size()) != kSignatureVersion) return CredentialInvalid();
  header.remove_prefix(kSignatureVersion.size());
  const size_t dot = header.find('.');
  if (dot == std::string_view::npos) return CredentialInvalid();
  const absl::StatusOr<DeviceId> device = DeviceId::Parse(header.substr(0, dot));
  const absl::StatusOr<std::string> signature = Base64UrlDecode(header.substr(dot + 1));
  const std::optional<std::string> bundle = StringField(request, kSignedField);
  if (!device.ok() || !signature.ok() || !bundle) return CredentialInvalid();
  const auto known = directory_.PeekDevice(*device);
  if (!known || known->value == nullptr) {
    TM_RETURN_IF_ERROR(wrong_credentials_.CheckRoom(device->ToString()));
  }
  const std::string proof = BundleProofBytes(context_.audience, *device, *bundle);
  TM_ASSIGN_OR_RETURN(auto access, directory_.FindDevice(*device, deadline));
  if (access != nullptr && !access->IsSignature(proof, *signature)) {
    // The key that is remembered may be the one before a rotation.
    TM_RETURN_IF_ERROR(wrong_credentials_.CheckRoom(device->ToString()));
    TM_ASSIGN_OR_RETURN(access, directory_.ReloadDevice(*device, deadline));
  }
  if (access == nullptr || !access->IsSignature(proof, *signature)) {
    TM_RETURN_IF_ERROR(wrong_credentials_.Try(device->ToString()));
    return CredentialInvalid();
  }
  rpc::Caller caller = CallerOf(*access);
  const absl::Status active = access->CheckActive();
  if (!active.ok()) return rpc::WithCaller(active, *this, caller);
  return caller;
}

std::string DatabaseAuthorizer::LogTag(const rpc::Caller& caller) const {
  if (caller.principal_id.IsZero()) return "";
  const absl::StatusOr<std::string> key = context_.keys->ServiceKey("log-tag");
  if (!key.ok()) return "";
  std::string message = "tidemark-log-tag-v1";
  AppendLe(message, NowUs(*context_.clock) / kLogTagPeriodUs);
  message += caller.principal_id.AsBytes();
  return HexEncode(AsView(HmacSha256(*key, message)).substr(0, kLogTagBytes));
}

absl::Status DatabaseAuthorizer::Reach(rpc::Caller& caller, const v1::Authz& policy,
                                       const google::protobuf::Message& request,
                                       absl::Time deadline) {
  if (policy.object_kind() == v1::OBJECT_KIND_UNSPECIFIED) return absl::OkStatus();
  const std::optional<std::string> text = StringField(request, policy.object_field());
  if (!text) return NotPermitted();
  TM_ASSIGN_OR_RETURN(const Uuid id, ParseId<Uuid>(policy.object_field(), *text));
  // Zero stands for "none" in a caller, and must not match it.
  if (id.IsZero()) return NotPermitted();
  switch (policy.object_kind()) {
    case v1::OBJECT_KIND_STUDY:
      return ReachStudy(caller, StudyId{id}, deadline);
    case v1::OBJECT_KIND_PARTICIPANT:
      return ReachParticipant(caller, ParticipantId{id}, deadline);
    case v1::OBJECT_KIND_OWN_DEVICE:
      if (caller.device_id.uuid != id) return NotPermitted();
      caller.object_participant = caller.participant_id;
      caller.object_study = caller.study_id;
      return absl::OkStatus();
    default:
      return NotPermitted();
  }
}

// Whether staff have a role there is for TakeRoles().
absl::Status DatabaseAuthorizer::ReachStudy(rpc::Caller& caller, StudyId study,
                                            absl::Time deadline) {
  if (caller.kind == rpc::CallerKind::kDevice && caller.study_id != study) return NotPermitted();
  TM_ASSIGN_OR_RETURN(const bool exists, directory_.HasStudy(study, deadline));
  if (!exists) return NotPermitted();
  caller.object_study = study;
  return absl::OkStatus();
}

absl::Status DatabaseAuthorizer::ReachParticipant(rpc::Caller& caller, ParticipantId participant,
                                                  absl::Time deadline) {
  if (caller.kind == rpc::CallerKind::kDevice) {
    if (caller.participant_id != participant) return NotPermitted();
    caller.object_participant = participant;
    caller.object_study = caller.study_id;
    return absl::OkStatus();
  }
  TM_ASSIGN_OR_RETURN(const auto record, directory_.FindParticipant(participant, deadline));
  if (record == nullptr || record->state == v1::PARTICIPANT_STATE_ERASED) return NotPermitted();
  if (caller.kind == rpc::CallerKind::kService &&
      record->state == v1::PARTICIPANT_STATE_WITHDRAWN) {
    return NotPermitted();
  }
  caller.object_participant = participant;
  caller.object_study = record->study_id;
  return absl::OkStatus();
}

absl::Status DatabaseAuthorizer::TakeRoles(rpc::Caller& caller, const v1::Authz& policy,
                                           absl::Time deadline) {
  if (!HasGrants(caller.kind)) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const auto grants, directory_.FindGrants(caller.principal_id, deadline));
  const GrantsRecord::Match match =
      grants->In(caller.object_study, rpc::RoleSet::Of(policy.roles()));
  if (match.roles.IsEmpty()) return NotPermitted();
  caller.roles = match.roles;
  caller.data_kinds = match.data_kinds;
  return absl::OkStatus();
}

absl::Status DatabaseAuthorizer::Recheck(const rpc::Caller& caller, bool may_block) {
  if (may_block) return Ask(caller);
  if (caller.credential_id.empty()) {
    const auto found = directory_.PeekDevice(caller.device_id);
    if (!found || !found->fresh) RefreshLater(caller);
    if (!found) return absl::OkStatus();
    return found->value == nullptr ? CredentialInvalid() : found->value->CheckActive();
  }
  const auto found = directory_.PeekCredential(caller.credential_id);
  if (!found || !found->fresh) RefreshLater(caller);
  if (found && found->value == nullptr) return CredentialInvalid();
  if (found) TM_RETURN_IF_ERROR(found->value->CheckHolds(NowUs(*context_.clock)));
  if (!HasGrants(caller.kind)) return absl::OkStatus();
  const auto grants = directory_.PeekGrants(caller.principal_id);
  if (!grants || !grants->fresh) RefreshLater(caller);
  return grants ? CheckStillGranted(caller, *grants->value) : absl::OkStatus();
}

absl::Status DatabaseAuthorizer::Ask(const rpc::Caller& caller) {
  const absl::Time deadline = absl::Now() + kLookupMost;
  if (caller.credential_id.empty()) {
    TM_ASSIGN_OR_RETURN(const auto access, directory_.FindDevice(caller.device_id, deadline));
    return access == nullptr ? CredentialInvalid() : access->CheckActive();
  }
  TM_ASSIGN_OR_RETURN(const auto record, directory_.FindCredential(caller.credential_id, deadline));
  if (record == nullptr) return CredentialInvalid();
  TM_RETURN_IF_ERROR(record->CheckHolds(NowUs(*context_.clock)));
  return AskAboutGrants(caller, deadline);
}

absl::Status DatabaseAuthorizer::AskAboutGrants(const rpc::Caller& caller, absl::Time deadline) {
  if (!HasGrants(caller.kind)) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const auto grants, directory_.FindGrants(caller.principal_id, deadline));
  return CheckStillGranted(caller, *grants);
}

// A credential that was just asked for decides however long the other thousands took.
std::vector<absl::Status> DatabaseAuthorizer::RecheckAll(std::span<const rpc::Caller> callers) {
  std::vector<std::string> credentials;
  for (const rpc::Caller& caller : callers) {
    if (!caller.credential_id.empty()) credentials.push_back(caller.credential_id);
  }
  const absl::Status asked = directory_.RefreshCredentials(credentials, absl::Now() + kLookupMost);
  const auto recheck = [&](const rpc::Caller& caller) -> absl::Status {
    if (caller.credential_id.empty()) return Ask(caller);
    const auto found = directory_.PeekCredential(caller.credential_id);
    if (!found) return asked.ok() ? Ask(caller) : asked;
    if (found->value == nullptr) return CredentialInvalid();
    TM_RETURN_IF_ERROR(found->value->CheckHolds(NowUs(*context_.clock)));
    TM_RETURN_IF_ERROR(asked);
    return AskAboutGrants(caller, absl::Now() + kLookupMost);
  };
  std::vector<absl::Status> answers;
  answers.reserve(callers.size());
  for (const rpc::Caller& caller : callers) answers.push_back(recheck(caller));
  return answers;
}

// A full queue forgets the wish: the next message of that caller repeats it.
void DatabaseAuthorizer::RefreshLater(const rpc::Caller& caller) {
  MutexLock lock(mutex_);
  if (!refreshing_.insert(caller.principal_id).second) return;
  rpc::Caller copy = caller;
  if (!refreshes_.TryPush(copy, 1)) refreshing_.erase(caller.principal_id);
}

void DatabaseAuthorizer::RefreshLoop() {
  for (;;) {
    const std::vector<rpc::Caller> callers = refreshes_.PopSome(kRefreshesMax, kRefreshesMax);
    if (callers.empty()) return;
    absl::Status fault;
    for (const absl::Status& status : RecheckAll(callers)) {
      if (!absl::IsUnauthenticated(status) && !absl::IsPermissionDenied(status)) {
        fault.Update(status);
      }
    }
    if (!fault.ok()) {
      LogWarning("open calls could not be checked again: {}", std::string(fault.message()));
    }
    MutexLock lock(mutex_);
    for (const rpc::Caller& caller : callers) refreshing_.erase(caller.principal_id);
  }
}

}  // namespace tidemark::study
