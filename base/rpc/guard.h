// The one way into a handler: who calls, may they, and how an answer goes out.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/access_scope.h"
#include "base/ids.h"
#include "base/rpc/call_log.h"
#include "base/rpc/enum_set.h"
#include "base/rpc/error.h"

namespace tidemark::rpc {

// Same numbers as tidemark.v1.PrincipalKind.
enum class CallerKind { kAnonymous = 0, kDevice = 1, kOperator = 3, kStaff = 4, kService = 5 };

// Who calls, proven by a credential.
struct Caller {
  CallerKind kind = CallerKind::kAnonymous;
  PrincipalId principal_id;         // of a device: its device id
  StudyId study_id;                 // device only
  ParticipantId participant_id;     // device only
  DeviceId device_id;               // device only
  std::string credential_id;        // public id of the token, "" for a signature
  bool participant_erased = false;  // device only: it may only be told to delete its copies

  // The participant that the policy's object field named and that this caller may reach; zero if
  // the method has no such field. Handlers use this and never parse the field again.
  ParticipantId object_participant;
  StudyId object_study;  // the study of the object (a participant's study, or the study named)

  // Staff and services, in the study of the object: which roles of the policy let the call pass,
  // and the kinds of recordings that the grants of these roles name.
  RoleSet roles;
  DataKindSet data_kinds;

  // What the caller's transactions may see: the object's participant or study, else nothing.
  db::AccessScope scope() const {
    if (!object_participant.IsZero()) return db::AccessScope::Participant(object_participant);
    if (!object_study.IsZero()) return db::AccessScope::Study(object_study);
    return db::AccessScope::None();
  }
};

// Implemented in study/ over the database. Thread-safe; answers come from caches that are at most
// 5 s old, so that a revocation holds everywhere within 10 s.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  // Decides one call by the policy (tidemark.v1.authz) of `method` ("/tidemark.v1.X/Y").
  //   UNAUTHENTICATED    no or a wrong credential; DEVICE_REVOKED for a revoked device
  //   PERMISSION_DENIED  the kind of caller, or the object, is not allowed: the same words whether
  //                      the object exists or not
  //   INVALID_ARGUMENT   the object field is no id
  virtual absl::StatusOr<Caller> Authorize(std::string_view method,
                                           const grpc::ServerContextBase& context,
                                           const google::protobuf::Message& request) = 0;

  // For open streams, at every message: OK while the caller's credential and state still hold.
  // Does not block on the database when its answer is fresh; safe in a reactor then. `may_block`
  // false returns OK when it would have to ask, and asks in the background.
  virtual absl::Status Recheck(const Caller& caller, bool may_block) = 0;

  // Recheck() of many callers that may block: an answer for each, in their order. Meant for whoever
  // has thousands of open streams to ask about, and asks few questions for them.
  virtual std::vector<absl::Status> RecheckAll(std::span<const Caller> callers);

  // What stands for the caller in the log: the same for a day, for nobody to follow over days, and
  // not to be turned back without a key of the installation. Empty without one.
  virtual std::string LogTag(const Caller& /*caller*/) const { return ""; }
};

// How long a handler may take: the client's deadline, at most `most` from now.
absl::Time DeadlineOf(const grpc::ServerContextBase& context,
                      absl::Duration most = absl::Seconds(30));

// Runs a unary handler: authorizes, calls `body(caller)` which returns absl::Status, logs how it
// ended (base/rpc/call_log.h), and turns the status into gRPC's with its details
// (base/rpc/error.h). `method` is the full name.
//
//   grpc::Status StudyService::CreateStudy(grpc::ServerContext* ctx, const CreateStudyRequest* req,
//                                          CreateStudyResponse* resp) {
//     return Guarded(*authorizer_, "/tidemark.v1.StudyService/CreateStudy", ctx, *req,
//                    [&](const Caller& caller) -> absl::Status { ... });
//   }
template <class Body>
grpc::Status Guarded(Authorizer& authorizer, std::string_view method,
                     grpc::ServerContextBase* context, const google::protobuf::Message& request,
                     Body&& body) {
  const CallLog log(method, context);
  const LogScope scope(log.ids());
  absl::StatusOr<Caller> caller = authorizer.Authorize(method, *context, request);
  if (!caller.ok()) return log.End(caller.status());
  return log.End(WithCaller(body(*caller), authorizer, *caller));
}

}  // namespace tidemark::rpc
