// The ingest service over a real Ingest and a real database, and both ways of upload into it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/rpc/error.h"
#include "ingest/bundle.h"
#include "ingest/ingest_service.h"
#include "ingest/sql.h"
#include "study/sql.h"
#include "tests/ingest/ingest_fixture.h"

namespace tidemark::ingest {

// Everybody is the one device, or its manager, until the device is revoked.
class FakeAuthorizer : public rpc::Authorizer {
 public:
  absl::StatusOr<rpc::Caller> Authorize(std::string_view method, const grpc::ServerContextBase&,
                                        const google::protobuf::Message&) override {
    if (revoked_) return Revoked();
    const Sender sender = SenderOf(1);
    rpc::Caller caller;
    caller.study_id = sender.study_id;
    caller.object_participant = sender.participant_id;
    caller.object_study = sender.study_id;
    caller.data_kinds = rpc::DataKindSet::FromBits(data_kind_bits);
    const bool managing = method.find("Quarantine") != std::string_view::npos;
    caller.kind = managing ? rpc::CallerKind::kStaff : rpc::CallerKind::kDevice;
    if (managing) {
      caller.principal_id = PrincipalId{UuidOf(8, 1)};
      return caller;
    }
    caller.principal_id = PrincipalId{sender.device_id.uuid};
    caller.participant_id = sender.participant_id;
    caller.device_id = sender.device_id;
    return caller;
  }
  absl::Status Recheck(const rpc::Caller&, bool may_block) override {
    return revoked_ && may_block ? Revoked() : absl::OkStatus();
  }
  void Revoke() { revoked_ = true; }

  std::atomic<uint32_t> data_kind_bits = rpc::kAllKinds.bits();

 private:
  static absl::Status Revoked() {
    return rpc::Error(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_DEVICE_REVOKED,
                      "revoked");
  }
  std::atomic<bool> revoked_ = false;
};

class IngestServiceFixture : public IngestFixture {
 protected:
  IngestServiceFixture()
      : app_pool_({.dsn = database_.Dsn("tm_app"),
                   .connections_max = 4,
                   .statements = {sql::kAllStatements, study::sql::kAllStatements}}) {
    sender_ = AddDevice(1);
    AddStream(sender_, 1);
  }
  ~IngestServiceFixture() override { Stop(); }

  void Serve(IngestOptions options) {
    auto ingest = Ingest::Start(std::move(options));
    ASSERT_TRUE(ingest.ok()) << ingest.status();
    ingest_ = *std::move(ingest);
    service_ = std::make_unique<IngestService>(
        IngestServiceOptions{.authorizer = &authorizer_,
                             .ingest = ingest_.get(),
                             .context = {&app_pool_, keys_.get(), &Clock::Real(), "audience"}});
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(9 << 20);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = v1::IngestService::NewStub(server_->InProcessChannel({}));
  }
  void Serve() { Serve(Options()); }
  void Stop() {
    if (service_ != nullptr) service_->Shutdown();
    if (server_ != nullptr) server_->Shutdown();
    if (ingest_ != nullptr) ingest_->Shutdown();
  }

  static v1::UploadRequest Open() {
    v1::UploadRequest request;
    request.mutable_open();
    return request;
  }
  static v1::UploadRequest Chunks(const std::vector<v1::ChunkEnvelope>& envelopes) {
    v1::UploadRequest request;
    for (const auto& envelope : envelopes) *request.mutable_chunks()->add_envelopes() = envelope;
    return request;
  }
  v1::PutChunksResponse Put(const std::string& bundle, grpc::StatusCode expected = grpc::OK) {
    v1::PutChunksRequest request;
    request.set_bundle(bundle);
    v1::PutChunksResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub_->PutChunks(&context, request, &response);
    EXPECT_EQ(status.error_code(), expected) << status.error_message();
    return response;
  }
  // What both ways of upload are compared by.
  struct Answer {
    v1::Outcome outcome;
    v1::DeviceAction action;
    v1::ReceiptReason reason;
    auto operator<=>(const Answer&) const = default;
  };
  using Answers = std::multimap<std::string, Answer>;
  void Collect(const v1::ReceiptBatch& batch, Answers* answers) const {
    for (const v1::ReceiptStatement& s : Prove(batch)) {
      answers->emplace(s.sha256(), Answer{s.outcome(), s.device_action(), s.reason()});
    }
  }
  Answers UploadAll(const std::vector<v1::ChunkEnvelope>& envelopes) {
    grpc::ClientContext context;
    auto call = stub_->Upload(&context);
    EXPECT_TRUE(call->Write(Open()));
    for (const auto& envelope : envelopes) EXPECT_TRUE(call->Write(Chunks({envelope})));
    call->WritesDone();
    Answers answers;
    v1::UploadResponse response;
    while (call->Read(&response)) {
      if (response.has_receipts()) Collect(response.receipts(), &answers);
    }
    const grpc::Status status = call->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return answers;
  }

  Answers PutAll(const std::vector<v1::ChunkEnvelope>& envelopes) {
    BundleWriter bundle;
    for (const auto& envelope : envelopes) EXPECT_TRUE(bundle.TryAdd(envelope));
    const v1::PutChunksResponse response = Put(bundle.Take());
    EXPECT_EQ(response.entries_received(), envelopes.size());
    EXPECT_FALSE(response.truncated());
    Answers answers;
    for (const v1::ReceiptBatch& batch : response.receipts()) Collect(batch, &answers);
    return answers;
  }

  FakeAuthorizer authorizer_;
  db::Pool app_pool_;
  Sender sender_;
  std::unique_ptr<IngestService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::IngestService::Stub> stub_;
};

}  // namespace tidemark::ingest
