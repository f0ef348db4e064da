// Calls a method of which only the name is known.
#pragma once

#include <grpcpp/generic/generic_stub.h>

#include <map>
#include <memory>
#include <string>

#include "tests/server/server_fixture.h"

namespace tidemark::server {

// Unary or streaming: one serialized message up, every answer read, then the status. The last
// answer goes to `answer`, if that is wanted.
inline absl::Status CallAnyMethod(const std::shared_ptr<grpc::Channel>& channel,
                                  const std::string& method, const std::string& request,
                                  const std::string& token,
                                  const std::map<std::string, std::string>& metadata = {},
                                  std::string* answer = nullptr) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  Prepare(context, token);
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(&context, method, &queue);
  const auto wait = [&] {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return ok;
  };
  stream->StartCall(nullptr);
  wait();
  const grpc::Slice slice(request);
  stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  wait();
  grpc::ByteBuffer message;
  for (stream->Read(&message, nullptr); wait(); stream->Read(&message, nullptr)) {
    grpc::Slice bytes;
    if (answer == nullptr || !message.DumpToSingleSlice(&bytes).ok()) continue;
    answer->assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  }
  grpc::Status status;
  stream->Finish(&status, nullptr);
  wait();
  queue.Shutdown();
  return rpc::FromGrpc(status);
}

}  // namespace tidemark::server
