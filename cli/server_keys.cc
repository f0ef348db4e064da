#include "cli/server_keys.h"

#include <utility>

#include "base/status_macros.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

constexpr size_t kKeysFileBytesMax = size_t{1} << 20;

absl::StatusOr<ingest::ReceiptKeys> KeysOf(const v1::GetServerInfoResponse& info) {
  ingest::ReceiptKeys keys;
  for (const v1::ReceiptKey& key : info.receipt_keys()) {
    TM_ASSIGN_OR_RETURN(VerifyKey verify, VerifyKey::FromEd25519Raw(key.public_key()));
    keys.emplace(key.key_id(), std::move(verify));
  }
  return keys;
}

}  // namespace

absl::StatusOr<ingest::ReceiptKeys> KeysFrom(Context& context, const std::string& keys_file) {
  if (keys_file.empty()) {
    TM_ASSIGN_OR_RETURN(const Api* api, context.anonymous_api());
    TM_ASSIGN_OR_RETURN(const auto info,
                        api->Call(*api->server, &v1::ServerService::Stub::GetServerInfo,
                                  v1::GetServerInfoRequest()));
    return KeysOf(info);
  }
  TM_ASSIGN_OR_RETURN(const std::string text, ingest::ReadFile(keys_file, kKeysFileBytesMax));
  TM_ASSIGN_OR_RETURN(const v1::GetServerInfoResponse info, ParseServerInfo(text));
  return KeysOf(info);
}

}  // namespace tidemark::cli
