#include "server/server_info_service.h"

#include "base/status_macros.h"
#include "study/fields.h"
#include "study/receipt_keys.h"

namespace tidemark::server {
namespace {

constexpr int kOnlyEntry = 0;

}  // namespace

ServerInfoService::ServerInfoService(rpc::Authorizer* authorizer, study::Context context,
                                     ServerFacts facts)
    : authorizer_(authorizer),
      context_(std::move(context)),
      facts_(std::move(facts)),
      keys_(context_.clock, {.entries_max = 1}) {}

grpc::Status ServerInfoService::GetServerInfo(grpc::ServerContext* context,
                                              const v1::GetServerInfoRequest* request,
                                              v1::GetServerInfoResponse* response) {
  return rpc::Guarded(
      *authorizer_, "/tidemark.v1.ServerService/GetServerInfo", context, *request,
      [&](const rpc::Caller&) { return Fill(rpc::DeadlineOf(*context), *response); });
}

absl::Status ServerInfoService::Fill(absl::Time deadline, v1::GetServerInfoResponse& response) {
  TM_ASSIGN_OR_RETURN(const auto keys, ReceiptKeys(deadline));
  response.set_version(facts_.version);
  response.set_audience(context_.audience);
  *response.mutable_limits() = facts_.limits;
  for (const v1::ReceiptKey& key : *keys) *response.add_receipt_keys() = key;
  response.set_restore_generation(facts_.gate->restore_generation());
  *response.mutable_server_time() = study::TimestampOfUs(study::NowUs(*context_.clock));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const ServerInfoService::Keys>> ServerInfoService::ReceiptKeys(
    absl::Time deadline) {
  if (const auto found = keys_.FindFresh(kOnlyEntry)) return *found;
  const absl::Time asked = context_.clock->Now();
  TM_ASSIGN_OR_RETURN(Keys keys, study::ListReceiptKeys(*context_.pool, deadline));
  auto shared = std::make_shared<const Keys>(std::move(keys));
  keys_.Put(kOnlyEntry, shared, asked);
  return shared;
}

}  // namespace tidemark::server
