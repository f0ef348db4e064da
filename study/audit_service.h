// gRPC in front of AuditLog.
#pragma once

#include <atomic>

#include "base/rpc/guard.h"
#include "study/audit_log.h"
#include "tidemark/v1/audit.grpc.pb.h"

namespace tidemark::study {

// Exports hold a thread each; whoever reads slowly or comes one too many is turned away.
inline constexpr int kExportsMax = 4;
inline constexpr absl::Duration kExportMost = absl::Minutes(30);

// The authorizer outlives the service.
class AuditService final : public v1::AuditService::Service {
 public:
  AuditService(rpc::Authorizer* authorizer, const Context& context)
      : authorizer_(authorizer), log_(context) {}

  grpc::Status ListAudit(grpc::ServerContext* context, const v1::ListAuditRequest* request,
                         v1::ListAuditResponse* response) override;
  grpc::Status ExportAudit(grpc::ServerContext* context, const v1::ExportAuditRequest* request,
                           grpc::ServerWriter<v1::ExportAuditResponse>* writer) override;

 private:
  rpc::Authorizer* const authorizer_;
  const AuditLog log_;
  std::atomic<int> exports_{0};
};

}  // namespace tidemark::study
