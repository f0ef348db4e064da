#include "ingest/client/session.h"

#include <filesystem>
#include <utility>

#include "base/rpc/error.h"
#include "base/status_macros.h"

namespace tidemark::ingest {

DeviceSession::DeviceSession(std::shared_ptr<grpc::Channel> channel, Identity& identity,
                             const Clock& clock)
    : channel_(std::move(channel)),
      stub_(v1::DeviceService::NewStub(channel_)),
      identity_(identity),
      clock_(clock) {}

absl::StatusOr<std::string> DeviceSession::Token() {
  if (!token_.empty() && clock_.Now() - opened_at_ < kSessionReuse) return token_;
  auto token = Open();
  if (!token.ok() && rpc::ReasonOf(token.status()) == v1::ERROR_REASON_CREDENTIAL_INVALID &&
      identity_.HasNextKey()) {
    // A rotation whose answer was lost: the server knows the next key only.
    TM_ASSIGN_OR_RETURN(const SigningKey next, identity_.NextKey());
    token = Open(&next);
    if (token.ok()) TM_RETURN_IF_ERROR(identity_.AdoptNextKey());
  }
  TM_RETURN_IF_ERROR(token.status());
  token_ = *std::move(token);
  opened_at_ = clock_.Now();
  return token_;
}

absl::StatusOr<std::string> DeviceSession::Open(const SigningKey* key) {
  v1::RequestChallengeRequest ask;
  ask.set_device_id(identity_.device_id().ToString());
  v1::RequestChallengeResponse challenge;
  grpc::ClientContext ask_context;
  Prepare(ask_context, "");
  TM_RETURN_IF_ERROR(rpc::FromGrpc(stub_->RequestChallenge(&ask_context, ask, &challenge)));

  const std::string statement = identity_.SessionStatement(challenge.challenge());
  v1::OpenSessionRequest open;
  open.set_device_id(ask.device_id());
  open.set_challenge(challenge.challenge());
  open.set_signature(key != nullptr ? key->Sign(statement) : identity_.Sign(statement));
  v1::OpenSessionResponse opened;
  grpc::ClientContext open_context;
  Prepare(open_context, "");
  TM_RETURN_IF_ERROR(rpc::FromGrpc(stub_->OpenSession(&open_context, open, &opened)));
  return opened.session_token();
}

absl::Status DeviceSession::RotateKey() {
  // Finishes an earlier rotation first, if the server had taken it.
  TM_ASSIGN_OR_RETURN(const std::string token, Token());
  TM_ASSIGN_OR_RETURN(const SigningKey next, identity_.NextKey());
  v1::RotateKeyRequest request;
  request.set_device_id(identity_.device_id().ToString());
  request.set_new_public_key(next.Public().Export());
  request.set_proof(identity_.RotationProof(next));
  v1::RotateKeyResponse response;
  grpc::ClientContext context;
  Prepare(context, token);
  TM_RETURN_IF_ERROR(rpc::FromGrpc(stub_->RotateKey(&context, request, &response)));
  Invalidate();
  return identity_.AdoptNextKey();
}

}  // namespace tidemark::ingest
