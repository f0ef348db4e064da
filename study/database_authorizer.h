// Decides calls by the policy of their method and by what the database says of the caller.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/mutex.h"
#include "base/rpc/guard.h"
#include "base/rpc/policy.h"
#include "study/access_directory.h"
#include "study/attempt_limiter.h"
#include "study/context.h"

namespace tidemark::study {

// Thread-safe. A caller proves itself by
//   authorization: Bearer <token>           operators, staff, services, sessions of devices
//   tidemark-device-signature: v1.<device id>.<base64url>
//                                           over the request's `bundle`, where the policy allows it
// A token goes before a signature when both are there. Wrong secrets and unknown ids are counted
// (AttemptLimiter): beyond its room a guess is answered OVERLOADED, and an id that this server has
// not seen is not looked up. Who proves itself is never refused for what others guess, neither with
// its own id nor from the same address, once this server knows it. Starts one thread, which asks
// anew about the callers of open streams.
class DatabaseAuthorizer : public rpc::Authorizer {
 public:
  DatabaseAuthorizer(Context context, rpc::PolicyTable policies);
  ~DatabaseAuthorizer() override;

  absl::StatusOr<rpc::Caller> Authorize(std::string_view method,
                                        const grpc::ServerContextBase& context,
                                        const google::protobuf::Message& request) override;
  // What is known of the caller decides even when it is old, so that a revocation that the
  // background learnt of holds from the next message on.
  absl::Status Recheck(const rpc::Caller& caller, bool may_block) override;
  // One question for the credentials of a thousand callers; roles of people and programs, of whom
  // there are few, are asked for one by one.
  std::vector<absl::Status> RecheckAll(std::span<const rpc::Caller> callers) override;
  // HMAC of the principal's id and the UTC day, with a key of the installation.
  std::string LogTag(const rpc::Caller& caller) const override;

  // How many questions about credentials were put to the database.
  uint64_t credential_questions() const { return directory_.credential_questions(); }

 private:
  absl::StatusOr<rpc::Caller> Authenticate(const v1::Authz& policy,
                                           const grpc::ServerContextBase& context,
                                           const google::protobuf::Message& request);
  absl::StatusOr<rpc::Caller> ByToken(std::string_view text, absl::Time deadline);
  absl::StatusOr<rpc::Caller> BySignature(std::string_view header,
                                          const google::protobuf::Message& request,
                                          absl::Time deadline);
  // Whether the caller, who proved itself, may make this call; takes note of its object and roles.
  absl::Status Admit(rpc::Caller& caller, const v1::Authz& policy,
                     const google::protobuf::Message& request, absl::Time deadline);
  absl::Status Reach(rpc::Caller& caller, const v1::Authz& policy,
                     const google::protobuf::Message& request, absl::Time deadline);
  absl::Status ReachStudy(rpc::Caller& caller, StudyId study, absl::Time deadline);
  absl::Status ReachParticipant(rpc::Caller& caller, ParticipantId participant,
                                absl::Time deadline);

  // PERMISSION_DENIED without one of the policy's roles in the study of the object.
  absl::Status TakeRoles(rpc::Caller& caller, const v1::Authz& policy, absl::Time deadline);

  absl::Status Ask(const rpc::Caller& caller);
  absl::Status AskAboutGrants(const rpc::Caller& caller, absl::Time deadline);
  void RefreshLater(const rpc::Caller& caller) TM_EXCLUDES(mutex_);
  void RefreshLoop() TM_EXCLUDES(mutex_);

  const Context context_;
  const rpc::PolicyTable policies_;
  AccessDirectory directory_;
  AttemptLimiter wrong_credentials_;

  BoundedQueue<rpc::Caller> refreshes_;
  Mutex mutex_;
  std::set<PrincipalId> refreshing_ TM_GUARDED_BY(mutex_);  // in refreshes_, each once
  std::thread refresher_;
};

}  // namespace tidemark::study
