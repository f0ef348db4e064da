// The network between a client and a server, in the hands of a test: it spoils what is sent and
// hears every receipt before the client does. Both ends are the real ones.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_interceptor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/bundle.h"
#include "tidemark/v1/device.pb.h"
#include "tidemark/v1/ingest.pb.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

// Outlives the channels that it made. Change it only while no call is under way.
class Wire {
 public:
  // Spoils an envelope on its way, if set.
  std::function<void(v1::ChunkEnvelope&)> spoil_envelope;
  // The same for a declaration of a stream.
  std::function<void(v1::DeclareStreamRequest&)> spoil_declaration;
  // Signs a bundle anew after it was spoiled: as if the device had sent it so.
  std::function<std::string(std::string_view bundle)> sign_bundle;
  // Called for each statement of a message of receipts, before the client sees the message.
  std::function<void(const v1::ReceiptStatement&)> on_receipt;

  std::shared_ptr<grpc::Channel> Connect(int port) {
    std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> creators;
    creators.push_back(std::make_unique<Factory>(this));
    return grpc::experimental::CreateCustomChannelWithInterceptors(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), {},
        std::move(creators));
  }

 private:
  using Batch = grpc::experimental::InterceptorBatchMethods;
  using Hook = grpc::experimental::InterceptionHookPoints;
  using Message = google::protobuf::MessageLite;

  class Tap : public grpc::experimental::Interceptor {
   public:
    Tap(Wire* wire, std::string_view method) : wire_(wire), method_(method) {}

    void Intercept(Batch* batch) override {
      if (batch->QueryInterceptionHookPoint(Hook::PRE_SEND_MESSAGE)) OnSend(batch);
      if (batch->QueryInterceptionHookPoint(Hook::POST_RECV_MESSAGE)) {
        OnReceive(static_cast<const Message*>(batch->GetRecvMessage()));
      }
      batch->Proceed();
    }

   private:
    bool Is(std::string_view name) const { return method_.ends_with(name); }

    void OnSend(Batch* batch) {
      const auto* message = static_cast<const Message*>(batch->GetSendMessage());
      if (Is("/Upload") && wire_->spoil_envelope) {
        Send(batch, wire_->Spoiled(static_cast<const v1::UploadRequest&>(*message)));
      } else if (Is("/PutChunks") && wire_->spoil_envelope) {
        auto request = wire_->Spoiled(static_cast<const v1::PutChunksRequest&>(*message));
        SignAnew(batch, request.bundle());
        Send(batch, std::move(request));
      } else if (Is("/DeclareStream") && wire_->spoil_declaration) {
        auto request = static_cast<const v1::DeclareStreamRequest&>(*message);
        wire_->spoil_declaration(request);
        Send(batch, std::move(request));
      }
    }
    // gRPC serializes what it is given here; it has to live until then.
    template <class Request>
    void Send(Batch* batch, Request request) {
      auto kept = std::make_unique<Request>(std::move(request));
      batch->ModifySendMessage(static_cast<const Message*>(kept.get()));
      sent_ = std::move(kept);
    }
    void SignAnew(Batch* batch, std::string_view bundle) {
      auto* const metadata = batch->GetSendInitialMetadata();
      metadata->erase("tidemark-device-signature");
      metadata->emplace("tidemark-device-signature", wire_->sign_bundle(bundle));
    }

    void OnReceive(const Message* message) {
      if (message == nullptr) return;  // the call has ended
      if (Is("/Upload")) {
        wire_->Hear(static_cast<const v1::UploadResponse*>(message)->receipts());
      } else if (Is("/PutChunks")) {
        for (const auto& batch : static_cast<const v1::PutChunksResponse*>(message)->receipts()) {
          wire_->Hear(batch);
        }
      }
    }

    Wire* const wire_;
    const std::string method_;
    std::unique_ptr<Message> sent_;
  };

  class Factory : public grpc::experimental::ClientInterceptorFactoryInterface {
   public:
    explicit Factory(Wire* wire) : wire_(wire) {}
    grpc::experimental::Interceptor* CreateClientInterceptor(
        grpc::experimental::ClientRpcInfo* info) override {
      return new Tap(wire_, info->method());  // gRPC owns it
    }

   private:
    Wire* const wire_;
  };

  v1::UploadRequest Spoiled(v1::UploadRequest request) const {
    if (!request.has_chunks()) return request;
    for (auto& envelope : *request.mutable_chunks()->mutable_envelopes()) spoil_envelope(envelope);
    return request;
  }
  v1::PutChunksRequest Spoiled(v1::PutChunksRequest request) const {
    absl::StatusOr<Bundle> bundle = ParseBundle(request.bundle());
    BundleWriter writer;
    for (v1::ChunkEnvelope& envelope : bundle->envelopes) {
      spoil_envelope(envelope);
      writer.TryAdd(envelope);
    }
    request.set_bundle(writer.Take());
    return request;
  }

  void Hear(const v1::ReceiptBatch& batch) const {
    if (!on_receipt) return;
    for (const std::string& bytes : batch.statements()) {
      v1::ReceiptStatement statement;
      if (statement.ParseFromString(bytes)) on_receipt(statement);
    }
  }
};

}  // namespace tidemark::ingest
