// key, admin: what operators do with the installation as a whole.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "tidemark/v1/operator.grpc.pb.h"

namespace tidemark::cli {
namespace {

using OperatorStub = v1::OperatorService::Stub;

// A file is replaced, and synced, for every participant.
constexpr absl::Duration kRotationMost = absl::Minutes(30);
// The key store is asked about every participant.
constexpr absl::Duration kRestoreMost = absl::Minutes(15);
constexpr char kErasuresCheck[] = "erasures.done";

absl::Status RotateKek(Context& context) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::RotateKeyEncryptionKeyRequest request;
  request.set_request_id(NewRequestId());
  grpc::ClientContext call;
  ingest::Prepare(call, api->token(), kRotationMost);
  v1::RotateKeyEncryptionKeyResponse rotated;
  TM_RETURN_IF_ERROR(
      rpc::FromGrpc(api->operators->RotateKeyEncryptionKey(&call, request, &rotated)));
  if (context.json()) {
    PrintJson(rotated);
  } else {
    PrintData(fmt::format("{} keys wrapped anew\n", rotated.keys_rewrapped()));
  }
  context.progress().Say(
      "copies of the old key-encryption key open copies of the old key store: destroy them");
  return absl::OkStatus();
}

// Those who were erased after the backup was made are erased again, which may take a while.
void SayWhatIsErased(Context& context, const Api& api) {
  const auto checked =
      api.Call(*api.operators, &OperatorStub::CheckSecurity, v1::CheckSecurityRequest());
  if (!checked.ok()) return;
  for (const v1::SecurityCheck& check : checked->checks()) {
    if (check.name() == kErasuresCheck) {
      context.progress().Say("erasures: " + check.detail() + "; see: tidemark doctor --security");
    }
  }
}

absl::Status ConfirmRestored(Context& context, bool force) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ConfirmRestoredRequest request;
  request.set_request_id(NewRequestId());
  request.set_force(force);
  grpc::ClientContext call;
  ingest::Prepare(call, api->token(), kRestoreMost);
  v1::ConfirmRestoredResponse confirmed;
  TM_RETURN_IF_ERROR(rpc::FromGrpc(api->operators->ConfirmRestored(&call, request, &confirmed)));
  if (context.json()) {
    PrintJson(confirmed);
  } else {
    PrintData(fmt::format("restore generation {}\n", confirmed.restore_generation()));
  }
  context.progress().Say(
      "ingest is open again, on every server within a minute; devices send what is missing");
  SayWhatIsErased(context, *api);
  return absl::OkStatus();
}

}  // namespace

void AddOperatorCommands(Commands& commands) {
  commands.Verb(commands.Noun("key", "The key that wraps all others"), "rotate",
                "Replace the key-encryption key; goes on where it was cut off", RotateKek);
  const auto force = std::make_shared<bool>(false);
  commands
      .Verb(commands.Noun("admin", "The installation"), "restored",
            "The database was restored from a backup and is whole: take ingest again",
            [force](Context& context) { return ConfirmRestored(context, *force); })
      .AddFlag("--force", *force, "Also when the server sees no sign of a restore");
}

}  // namespace tidemark::cli
