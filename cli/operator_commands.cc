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

absl::Status ConfirmRestored(Context& context, bool force) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::ConfirmRestoredRequest request;
  request.set_request_id(NewRequestId());
  request.set_force(force);
  TM_ASSIGN_OR_RETURN(const auto confirmed,
                      api->Call(*api->operators, &OperatorStub::ConfirmRestored, request));
  if (context.json()) {
    PrintJson(confirmed);
  } else {
    PrintData(fmt::format("restore generation {}\n", confirmed.restore_generation()));
  }
  context.progress().Say(
      "ingest is open again, on every server within a minute; devices send what is missing");
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
