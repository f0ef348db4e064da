// Carries an UploadStream over gRPC's callback API.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "base/rpc/call_log.h"
#include "ingest/ingest_metrics.h"
#include "ingest/upload_stream.h"

namespace tidemark::ingest {

inline constexpr std::string_view kUploadMethod = "/tidemark.v1.IngestService/Upload";

// One Upload call; deletes itself in OnDone. Its reactions share very few threads (two on two
// cores) with all other calls, so nothing in them waits: authorization runs elsewhere and comes
// back through UploadStream::OnAuthorized.
class UploadReactor final : public grpc::ServerBidiReactor<v1::UploadRequest, v1::UploadResponse>,
                            public UploadTransport {
 public:
  // `context` is that of the call.
  UploadReactor(Ingest* ingest, rpc::Authorizer* authorizer, grpc::CallbackServerContext* context)
      : log_(kUploadMethod, context),
        stream_(std::make_shared<UploadStream>(ingest, authorizer, this)) {}

  const std::shared_ptr<UploadStream>& stream() const { return stream_; }

 private:
  void OnReadDone(bool ok) override { Stream()->OnReadDone(ok); }
  void OnWriteDone(bool ok) override { Stream()->OnWriteDone(ok); }
  void OnCancel() override { Stream()->OnCancel(); }
  void OnDone() override { delete this; }

  void StartRead(v1::UploadRequest* request) override { ServerBidiReactor::StartRead(request); }
  void StartWrite(const v1::UploadResponse* response) override {
    ServerBidiReactor::StartWrite(response);
  }
  void Finish(const absl::Status& status) override;

  // A copy, because this object may go while the stream acts.
  std::shared_ptr<UploadStream> Stream() const { return stream_; }

  const metrics::Level::Presence presence_{IngestMetrics::OfProcess().open_uploads};
  const rpc::CallLog log_;
  const std::shared_ptr<UploadStream> stream_;
};

}  // namespace tidemark::ingest
