// Two servers over one database: what is taken away at one ends at the other, too, within 10 s, in
// calls that are open as in new ones.
//
// The one test here runs in real time, because the product's own clocks are what it is about:
// answers are believed for 5 s, and open uploads are looked at every 2 s.
#include <gmock/gmock.h>

#include <chrono>

#include "base/base64.h"
#include "base/rpc/reason.h"
#include "ingest/bundle.h"
#include "tests/ingest/chunk_builder.h"
#include "tests/server/server_fixture.h"
#include "tidemark/v1/ingest.grpc.pb.h"
#include "tidemark/v1/signal.grpc.pb.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::StatusIs;

constexpr absl::Duration kRevocationMost = absl::Seconds(10);
// Far more than the buffers of a connection hold, so that an open read is in the middle of it.
constexpr int kLongChunks = 120;
constexpr int kChunksPerBundle = 30;
constexpr uint32_t kSamplesPerLongChunk = 60'000;
constexpr int64_t kSamplePeriodNs = 10'000'000;

class TwoServersTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    TM_ASSERT_OK_AND_ASSIGN(other_, Server::Start(MakeConfig(), clock()));
    other_channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(other_->port()),
                                         grpc::InsecureChannelCredentials());
    signals_ = v1::SignalService::NewStub(other_channel_);
    uploads_ = v1::IngestService::NewStub(other_channel_);
    access_ = v1::AccessService::NewStub(channel_);
    site_ = MakeSite("two-servers");
    DeclareAcc(site_, stream_id_);
    for (int i = 0; i < kLongChunks; i += kChunksPerBundle) Put(i);
  }
  void TearDown() override {
    access_.reset();
    ServerFixture::TearDown();
  }

  v1::ChunkEnvelope LongChunk(uint64_t number) const {
    v1::ChunkBody body = ingest::SamplesBody(1, number, kSamplesPerLongChunk);
    body.set_stream_id(std::string(stream_id_.AsBytes()));
    auto& stamps = *body.mutable_samples()->mutable_regular();
    const auto first = static_cast<int64_t>(number * kSamplesPerLongChunk) * kSamplePeriodNs;
    stamps.set_first_device_ns(first);
    stamps.set_last_device_ns(first + (kSamplesPerLongChunk - 1) * kSamplePeriodNs);
    return ingest::EnvelopeOf(body);
  }
  void Put(int first) {
    ingest::BundleWriter bundle;
    for (int i = 0; i < kChunksPerBundle; ++i) {
      ASSERT_TRUE(bundle.TryAdd(LongChunk(static_cast<uint64_t>(first + i))));
    }
    v1::PutChunksRequest request;
    request.set_bundle(bundle.Take());
    const auto put = Invoke(*v1::IngestService::NewStub(channel_),
                            &v1::IngestService::Stub::PutChunks, request, site_.session_token);
    ASSERT_THAT(put, IsOk());
    for (const v1::ReceiptBatch& batch : put->receipts()) {
      for (const std::string& bytes : batch.statements()) {
        v1::ReceiptStatement statement;
        ASSERT_TRUE(statement.ParseFromString(bytes));
        ASSERT_EQ(statement.outcome(), v1::OUTCOME_STORED) << statement.ShortDebugString();
      }
    }
  }

  // Somebody who may read, with a session and a token of their own.
  struct Reader {
    std::string principal_id;
    std::string session;
    std::string token;
  };
  Reader MakeReader(const std::string& name) {
    Reader reader;
    v1::CreateStaffRequest create;
    create.set_request_id(NewRequestId());
    create.set_study_id(site_.study_id);
    create.set_display_name(name);
    create.set_role(v1::ROLE_RESEARCHER);
    const auto made =
        Invoke(*access_, &v1::AccessService::Stub::CreateStaff, create, site_.manager_token);
    EXPECT_THAT(made, IsOk());
    v1::SignInRequest sign_in;
    if (made.ok()) sign_in.set_sign_in_code(made->sign_in_code());
    const auto signed_in = Invoke(*access_, &v1::AccessService::Stub::SignIn, sign_in, "");
    EXPECT_THAT(signed_in, IsOk());
    if (!signed_in.ok()) return reader;
    reader.principal_id = signed_in->principal_id();
    reader.session = signed_in->session_token();
    v1::CreateTokenRequest request;
    request.set_request_id(NewRequestId());
    request.set_label("reads");
    const auto token =
        Invoke(*access_, &v1::AccessService::Stub::CreateToken, request, reader.session);
    EXPECT_THAT(token, IsOk());
    if (token.ok()) reader.token = token->token();
    return reader;
  }

  // A read of everything at the other server, of which the first message was taken.
  struct Read {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::ReadSamplesResponse>> stream;
    int messages = 0;
  };
  std::unique_ptr<Read> OpenRead(const std::string& token) {
    auto read = std::make_unique<Read>();
    Prepare(read->context, token);
    v1::ReadSamplesRequest request;
    request.set_participant_id(site_.participant_id);
    request.add_stream_ids(stream_id_.ToString());
    request.set_everything(true);
    read->stream = signals_->ReadSamples(&read->context, request);
    v1::ReadSamplesResponse response;
    EXPECT_TRUE(read->stream->Read(&response)) << "the read does not begin";
    return read;
  }
  // Takes what is still delivered: all of it would be kLongChunks and more messages. How it ended.
  static absl::Status EndOf(Read& read) {
    v1::ReadSamplesResponse response;
    while (read.stream->Read(&response)) ++read.messages;
    return rpc::FromGrpc(read.stream->Finish());
  }

  absl::Status AskCoverage(const std::string& token) {
    v1::GetCoverageRequest request;
    request.set_participant_id(site_.participant_id);
    return Invoke(*signals_, &v1::SignalService::Stub::GetCoverage, request, token).status();
  }
  absl::Status PutSigned() {
    v1::PutChunksRequest request;
    request.set_bundle(std::string(ingest::kBundleMagic));
    grpc::ClientContext context;
    Prepare(context, "");
    context.AddMetadata(
        "tidemark-device-signature",
        "v1." + site_.device_id + "." +
            Base64UrlEncode(site_.device_key.Sign(study::BundleProofBytes(
                "test-audience", *DeviceId::Parse(site_.device_id), request.bundle()))));
    v1::PutChunksResponse response;
    return rpc::FromGrpc(uploads_->PutChunks(&context, request, &response));
  }
  // The answer of a call that may still pass, once it does not.
  template <class Ask>
  static absl::Status UntilRefused(absl::Time end, Ask&& ask) {
    absl::Status status;
    while (status.ok() && absl::Now() < end) status = ask();
    return status;
  }

  void RevokeDevice() {
    v1::RevokeDeviceRequest request;
    request.set_request_id(NewRequestId());
    request.set_participant_id(site_.participant_id);
    request.set_device_id(site_.device_id);
    ASSERT_THAT(
        Invoke(*devices_, &v1::DeviceService::Stub::RevokeDevice, request, site_.manager_token),
        IsOk());
  }
  void RevokeToken(const Reader& reader) {
    v1::RevokeTokenRequest request;
    request.set_request_id(NewRequestId());
    request.set_public_id(study::Token::Parse(reader.token)->public_id);
    ASSERT_THAT(Invoke(*access_, &v1::AccessService::Stub::RevokeToken, request, reader.session),
                IsOk());
  }
  void RemoveRole(const Reader& reader) {
    v1::RemoveGrantRequest request;
    request.set_request_id(NewRequestId());
    request.set_study_id(site_.study_id);
    request.set_principal_id(reader.principal_id);
    request.set_role(v1::ROLE_RESEARCHER);
    ASSERT_THAT(
        Invoke(*access_, &v1::AccessService::Stub::RemoveGrant, request, site_.manager_token),
        IsOk());
  }

  std::unique_ptr<Server> other_;
  std::shared_ptr<grpc::Channel> other_channel_;
  std::unique_ptr<v1::SignalService::Stub> signals_;
  std::unique_ptr<v1::IngestService::Stub> uploads_;
  std::unique_ptr<v1::AccessService::Stub> access_;
  Site site_;
  const StreamId stream_id_ = StreamId::MakeV7();
};

TEST_F(TwoServersTest, WhatOneTakesAwayEndsAtTheOtherWithinTenSeconds) {
  const Reader token_reader = MakeReader("ada");
  const Reader role_reader = MakeReader("bob");
  const auto by_token = OpenRead(token_reader.token);
  const auto by_role = OpenRead(role_reader.token);
  grpc::ClientContext context;
  Prepare(context, site_.session_token);
  const auto upload = uploads_->Upload(&context);
  v1::UploadRequest open;
  open.mutable_open();
  v1::UploadResponse opened;
  ASSERT_TRUE(upload->Write(open) && upload->Read(&opened));
  for (const Reader& reader : {token_reader, role_reader}) {
    ASSERT_THAT(AskCoverage(reader.token), IsOk());
  }
  ASSERT_THAT(PutSigned(), IsOk());

  const absl::Time end = absl::Now() + kRevocationMost;
  RevokeDevice();
  RevokeToken(token_reader);
  RemoveRole(role_reader);

  // An idle upload.
  EXPECT_FALSE(upload->Read(&opened));
  const absl::Status uploaded = rpc::FromGrpc(upload->Finish());
  EXPECT_EQ(rpc::ReasonOf(uploaded), v1::ERROR_REASON_DEVICE_REVOKED) << uploaded;
  // New calls.
  EXPECT_EQ(rpc::ReasonOf(UntilRefused(end, [&] { return PutSigned(); })),
            v1::ERROR_REASON_DEVICE_REVOKED);
  EXPECT_THAT(UntilRefused(end, [&] { return AskCoverage(token_reader.token); }),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(UntilRefused(end, [&] { return AskCoverage(role_reader.token); }),
              StatusIs(absl::StatusCode::kPermissionDenied));
  // Reads that stood still: they end before they are through.
  EXPECT_THAT(EndOf(*by_token), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(EndOf(*by_role), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_LT(absl::Now(), end);
  // The other token of the same person, their session, is not what was taken away.
  EXPECT_THAT(AskCoverage(token_reader.session), IsOk());
}

}  // namespace
}  // namespace tidemark::server
