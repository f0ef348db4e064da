// The server's API as commands use it: one caller, calls with deadlines, lists as a whole, and
// names where people would rather not type ids.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "ingest/client/rpc_channel.h"
#include "tidemark/v1/access.grpc.pb.h"
#include "tidemark/v1/audit.grpc.pb.h"
#include "tidemark/v1/device.grpc.pb.h"
#include "tidemark/v1/erasure.grpc.pb.h"
#include "tidemark/v1/ingest.grpc.pb.h"
#include "tidemark/v1/operator.grpc.pb.h"
#include "tidemark/v1/participant.grpc.pb.h"
#include "tidemark/v1/server.grpc.pb.h"
#include "tidemark/v1/signal.grpc.pb.h"
#include "tidemark/v1/study.grpc.pb.h"

namespace tidemark::cli {

// More than any list has pages; a server that never ends a list is broken.
inline constexpr int kPagesMax = 10'000;
inline constexpr uint32_t kPageSize = 1000;

// Thread-safe.
class Api {
 public:
  Api(std::shared_ptr<grpc::Channel> channel, std::string token)
      : access(v1::AccessService::NewStub(channel)),
        audit(v1::AuditService::NewStub(channel)),
        erasures(v1::ErasureService::NewStub(channel)),
        participants(v1::ParticipantService::NewStub(channel)),
        studies(v1::StudyService::NewStub(channel)),
        devices(v1::DeviceService::NewStub(channel)),
        ingest(v1::IngestService::NewStub(channel)),
        operators(v1::OperatorService::NewStub(channel)),
        server(v1::ServerService::NewStub(channel)),
        signals(v1::SignalService::NewStub(channel)),
        channel_(std::move(channel)),
        token_(std::move(token)) {}

  const std::unique_ptr<v1::AccessService::Stub> access;
  const std::unique_ptr<v1::AuditService::Stub> audit;
  const std::unique_ptr<v1::ErasureService::Stub> erasures;
  const std::unique_ptr<v1::ParticipantService::Stub> participants;
  const std::unique_ptr<v1::StudyService::Stub> studies;
  const std::unique_ptr<v1::DeviceService::Stub> devices;
  const std::unique_ptr<v1::IngestService::Stub> ingest;
  const std::unique_ptr<v1::OperatorService::Stub> operators;
  const std::unique_ptr<v1::ServerService::Stub> server;
  const std::unique_ptr<v1::SignalService::Stub> signals;

  // One unary call: api.Call(*api.studies, &v1::StudyService::Stub::CreateStudy, request).
  template <class Stub, class Request, class Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const {
    grpc::ClientContext context;
    ingest::Prepare(context, token_);
    Response response;
    TM_RETURN_IF_ERROR(rpc::FromGrpc((stub.*method)(&context, request, &response)));
    return response;
  }

  // All pages of a list, put together in one response.
  template <class Stub, class Request, class Response>
  absl::StatusOr<Response> List(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                Request request) const {
    Response all;
    request.set_page_size(kPageSize);
    for (int page = 0; page < kPagesMax; ++page) {
      TM_ASSIGN_OR_RETURN(const Response one, Call(stub, method, request));
      all.MergeFrom(one);
      all.clear_next_page_token();
      if (one.next_page_token().empty()) return all;
      request.set_page_token(one.next_page_token());
    }
    return absl::OutOfRangeError("the server's list does not end");
  }

  // Ids from what a person typed: an id, or a name. NOT_FOUND, naming what was looked for.
  absl::StatusOr<std::string> StudyId(const std::string& id_or_name) const;
  // An id or STUDY/CODE.
  absl::StatusOr<std::string> ParticipantId(const std::string& id_or_path) const;
  absl::StatusOr<std::string> DeviceId(const std::string& participant_id,
                                       const std::string& id_or_name) const;
  // An id, NAME where one device has such a stream only, or DEVICE/NAME.
  absl::StatusOr<v1::Stream> Stream(const std::string& participant_id,
                                    const std::string& id_or_name) const;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& token() const { return token_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::string token_;
};

// What `tidemark doctor --json` printed about a server. INVALID_ARGUMENT on anything else.
absl::StatusOr<v1::GetServerInfoResponse> ParseServerInfo(const std::string& text);

// A fresh id for a mutation.
std::string NewRequestId();

}  // namespace tidemark::cli
