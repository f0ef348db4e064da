#include "cli/server_keys.h"

#include <utility>

#include "base/status_macros.h"

namespace tidemark::cli {

absl::StatusOr<ingest::ReceiptKeys> KeysOf(const v1::GetServerInfoResponse& info) {
  ingest::ReceiptKeys keys;
  for (const v1::ReceiptKey& key : info.receipt_keys()) {
    TM_ASSIGN_OR_RETURN(VerifyKey verify, VerifyKey::FromEd25519Raw(key.public_key()));
    keys.emplace(key.key_id(), std::move(verify));
  }
  return keys;
}

absl::StatusOr<ingest::ReceiptKeys> ServerKeys(const Api& api) {
  TM_ASSIGN_OR_RETURN(
      const auto info,
      api.Call(*api.server, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest()));
  return KeysOf(info);
}

}  // namespace tidemark::cli
