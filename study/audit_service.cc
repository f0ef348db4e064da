#include "study/audit_service.h"

#include <utility>

#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/handle.h"

namespace tidemark::study {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(30);

absl::Status TooMany() {
  return rpc::WithRetry(rpc::Error(absl::StatusCode::kResourceExhausted,
                                   v1::ERROR_REASON_OVERLOADED, "too many exports at a time"),
                        kRetry);
}

absl::Status Gone() { return absl::CancelledError("the reader is gone"); }

// A place among those who may export at a time.
class Place {
 public:
  explicit Place(std::atomic<int>& taken) : taken_(taken), has_(++taken <= kExportsMax) {}
  ~Place() { --taken_; }
  bool has() const { return has_; }

 private:
  std::atomic<int>& taken_;
  const bool has_;
};

// Everything, in order; the caller's right to it is asked for again at every message.
absl::Status Export(rpc::Authorizer& authorizer, const rpc::Caller& caller, const AuditLog& log,
                    const Call& call, grpc::ServerWriter<v1::ExportAuditResponse>& writer) {
  const auto send = [&](const v1::ExportAuditResponse& message) -> absl::Status {
    TM_RETURN_IF_ERROR(authorizer.Recheck(caller, true));
    return writer.Write(message) ? absl::OkStatus() : Gone();
  };
  for (AuditCursor cursor;;) {
    TM_ASSIGN_OR_RETURN(std::vector<v1::AuditLink> links, log.LinksAfter(call, cursor));
    if (links.empty()) break;
    v1::ExportAuditResponse message;
    for (v1::AuditLink& link : links) *message.add_links() = std::move(link);
    TM_RETURN_IF_ERROR(send(message));
  }
  for (int64_t number = 0;;) {
    TM_ASSIGN_OR_RETURN(std::vector<v1::AuditRoot> roots, log.RootsAfter(call, number));
    if (roots.empty()) return absl::OkStatus();
    for (v1::AuditRoot& root : roots) {
      v1::ExportAuditResponse message;
      *message.add_roots() = std::move(root);
      TM_RETURN_IF_ERROR(send(message));
    }
  }
}

}  // namespace

grpc::Status AuditService::ListAudit(grpc::ServerContext* context,
                                     const v1::ListAuditRequest* request,
                                     v1::ListAuditResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.AuditService/ListAudit", context, log_, &AuditLog::List,
                *request, response);
}

grpc::Status AuditService::ExportAudit(grpc::ServerContext* context,
                                       const v1::ExportAuditRequest* request,
                                       grpc::ServerWriter<v1::ExportAuditResponse>* writer) {
  return rpc::Guarded(*authorizer_, "/tidemark.v1.AuditService/ExportAudit", context, *request,
                      [&](const rpc::Caller& caller) -> absl::Status {
                        const Place place(exports_);
                        if (!place.has()) return TooMany();
                        Call call = CallOf(caller, *context);
                        call.deadline = rpc::DeadlineOf(*context, kExportMost);
                        TM_RETURN_IF_ERROR(log_.RecordExport(call, request->request_id()));
                        return Export(*authorizer_, caller, log_, call, *writer);
                      });
}

}  // namespace tidemark::study
