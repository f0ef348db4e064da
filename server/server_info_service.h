// Facts about the server, for anybody.
#pragma once

#include <string>
#include <vector>

#include "base/rpc/guard.h"
#include "server/ingest_gate.h"
#include "store/fresh_cache.h"
#include "study/context.h"
#include "tidemark/v1/server.grpc.pb.h"

namespace tidemark::server {

struct ServerFacts {
  std::string version;
  v1::ServerLimits limits;
  const IngestGate* gate = nullptr;  // knows the restore generation
};

// The authorizer outlives the service. Receipt keys are read at most every few seconds, so that
// strangers cannot keep the database busy.
class ServerInfoService final : public v1::ServerService::Service {
 public:
  ServerInfoService(rpc::Authorizer* authorizer, study::Context context, ServerFacts facts);

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::GetServerInfoResponse* response) override;

 private:
  using Keys = std::vector<v1::ReceiptKey>;
  absl::Status Fill(absl::Time deadline, v1::GetServerInfoResponse& response);
  absl::StatusOr<std::shared_ptr<const Keys>> ReceiptKeys(absl::Time deadline);

  rpc::Authorizer* const authorizer_;
  const study::Context context_;
  const ServerFacts facts_;
  store::FreshCache<int, Keys> keys_;
};

}  // namespace tidemark::server
