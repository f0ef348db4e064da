// What anybody may ask a server.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>

#include "tests/server/server_fixture.h"
#include "tidemark/v1/server.grpc.pb.h"

namespace tidemark::server {

inline absl::StatusOr<v1::GetServerInfoResponse> GetInfo(
    const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::ServerService::NewStub(channel);
  return Invoke(*stub, &v1::ServerService::Stub::GetServerInfo, v1::GetServerInfoRequest(), "");
}

// grpc.health.v1.HealthCheckResponse.status of the whole server: 1 serving, 2 not serving.
inline int Health(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  Prepare(context, "");
  grpc::CompletionQueue queue;
  const grpc::Slice empty;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                          grpc::ByteBuffer(&empty, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  grpc::Slice bytes;
  if (!status.ok() || !answer.DumpToSingleSlice(&bytes).ok() || bytes.size() != 2) return -1;
  return bytes.begin()[1];  // field 1, varint
}

}  // namespace tidemark::server
