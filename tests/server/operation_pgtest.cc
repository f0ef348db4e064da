// What an operator relies on: a server that is stopped, restored, given a new key, or overrun.
#include <gmock/gmock.h>

#include <deque>
#include <filesystem>
#include <pqxx/pqxx>
#include <thread>

#include "base/rpc/reason.h"
#include "ingest/bundle.h"
#include "ingest/receipt_proof.h"
#include "store/key_store.h"
#include "tests/ingest/chunk_builder.h"
#include "tests/server/server_fixture.h"
#include "tests/server/server_questions.h"
#include "tidemark/v1/ingest.grpc.pb.h"
#include "tidemark/v1/operator.grpc.pb.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::StatusIs;

// Nobody else comes to the table while this lives.
class TableLock {
 public:
  TableLock(const support::TestDatabase& database, const std::string& table)
      : connection_(database.SuperuserDsn()), tx_(connection_) {
    tx_.exec("lock table " + table + " in access exclusive mode");
  }

 private:
  pqxx::connection connection_;
  pqxx::work tx_;
};

class OperationTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    site_ = MakeSite("operation");
    DeclareAcc(site_, stream_id_);
  }

  v1::ChunkEnvelope Chunk(uint64_t number) const {
    v1::ChunkBody body = ingest::SamplesBody(1, number);
    body.set_stream_id(std::string(stream_id_.AsBytes()));
    return ingest::EnvelopeOf(body);
  }

  // An upload over the network: a server that stops cuts in-process calls short.
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<v1::IngestService::Stub> stub;
    std::unique_ptr<grpc::ClientReaderWriter<v1::UploadRequest, v1::UploadResponse>> stream;
  };
  std::unique_ptr<Call> OpenUpload() {
    auto call = std::make_unique<Call>();
    Prepare(call->context, site_.session_token);
    call->stub = v1::IngestService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials()));
    call->stream = call->stub->Upload(&call->context);
    v1::UploadRequest open;
    open.mutable_open();
    call->stream->Write(open);
    return call;
  }
  // And has its limits.
  std::unique_ptr<Call> OpenedUpload() {
    auto call = OpenUpload();
    v1::UploadResponse response;
    EXPECT_TRUE(call->stream->Read(&response));
    EXPECT_TRUE(response.has_opened());
    return call;
  }
  void Send(Call& call, uint64_t number) const {
    v1::UploadRequest request;
    *request.mutable_chunks()->add_envelopes() = Chunk(number);
    EXPECT_TRUE(call.stream->Write(request));
  }
  // The next message of receipts.
  static v1::ReceiptBatch NextReceipts(Call& call) {
    v1::UploadResponse response;
    const bool read = call.stream->Read(&response);
    EXPECT_TRUE(read) << call.stream->Finish().error_message();
    return response.receipts();
  }
  absl::StatusOr<v1::PutChunksResponse> Put(uint64_t number) {
    ingest::BundleWriter bundle;
    EXPECT_TRUE(bundle.TryAdd(Chunk(number)));
    v1::PutChunksRequest request;
    request.set_bundle(bundle.Take());
    return Invoke(*v1::IngestService::NewStub(channel_), &v1::IngestService::Stub::PutChunks,
                  request, site_.session_token);
  }

  ingest::ReceiptKeys Keys() {
    ingest::ReceiptKeys keys;
    const auto info = GetInfo(channel_);
    EXPECT_THAT(info, IsOk());
    for (const v1::ReceiptKey& key : info->receipt_keys()) {
      auto verify = VerifyKey::FromEd25519Raw(key.public_key());
      EXPECT_THAT(verify, IsOk());
      keys.emplace(key.key_id(), *std::move(verify));
    }
    return keys;
  }
  // Proven by the keys that the server names now.
  v1::Outcome OutcomeOf(const v1::ReceiptBatch& batch) {
    const auto statements = ingest::VerifyReceiptBatch(batch, Keys());
    EXPECT_THAT(statements, IsOk());
    return statements.ok() ? statements->at(0).outcome() : v1::OUTCOME_UNSPECIFIED;
  }

  void WaitForLockedSession() const {
    while (database_
               .QueryValue("select 1 from pg_locks where not granted and database = "
                           "(select oid from pg_database where datname = "
                           "current_database())")
               .empty()) {
    }
  }
  // Draining has begun once nobody new is let in. Through the port: in gRPC 1.51 a call on an
  // in-process channel whose server is just going down may crash.
  void WaitForDrain() {
    const auto channel = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                             grpc::InsecureChannelCredentials());
    while (GetInfo(channel).ok()) {
    }
  }

  Site site_;
  const StreamId stream_id_ = StreamId::MakeV7();
};

TEST_F(OperationTest, WhatWasTakenIsAnsweredBeforeTheServerStops) {
  const auto call = OpenedUpload();
  auto lock = std::make_optional<TableLock>(database_, "chunk");
  Send(*call, 0);
  WaitForLockedSession();
  std::thread stop([&] { server_->Shutdown(absl::Seconds(60)); });
  WaitForDrain();
  lock.reset();
  const v1::ReceiptBatch receipts = NextReceipts(*call);
  v1::UploadResponse nothing;
  EXPECT_FALSE(call->stream->Read(&nothing));
  EXPECT_EQ(call->stream->Finish().error_code(), grpc::UNAVAILABLE);
  stop.join();
  StartServer();
  EXPECT_EQ(OutcomeOf(receipts), v1::OUTCOME_STORED);
}

TEST_F(OperationTest, WhatIsUndecidedWhenTheDrainEndsIsUnavailableAndMayComeAgain) {
  const auto call = OpenedUpload();
  auto lock = std::make_optional<TableLock>(database_, "chunk");
  Send(*call, 0);
  WaitForLockedSession();
  std::thread stop([&] { server_->Shutdown(absl::Milliseconds(50)); });
  v1::UploadResponse nothing;
  EXPECT_FALSE(call->stream->Read(&nothing));
  EXPECT_EQ(call->stream->Finish().error_code(), grpc::UNAVAILABLE);
  lock.reset();  // the writer is let finish what it had begun
  stop.join();
  StartServer();
  const auto again = Put(0);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(OutcomeOf(again->receipts(0)), v1::OUTCOME_DUPLICATE);
}

TEST_F(OperationTest, RestoredDatabaseTakesNoIngestUntilAnOperatorSaysSo) {
  database_.Execute("update restore_mark set heartbeat = 0");
  StartServer();
  EXPECT_EQ(Health(channel_), 1);
  const auto call = OpenUpload();
  v1::UploadResponse nothing;
  EXPECT_FALSE(call->stream->Read(&nothing));
  for (const absl::Status& refused : {rpc::FromGrpc(call->stream->Finish()), Put(0).status()}) {
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition,
                                  testing::HasSubstr("tidemark admin restored")));
    EXPECT_EQ(rpc::ReasonOf(refused), v1::ERROR_REASON_INGEST_REFUSED);
    EXPECT_TRUE(rpc::RetryDelayOf(refused).has_value());
  }
  // Everything else goes on.
  EXPECT_FALSE(AddParticipant(site_, "p2").empty());

  const auto stub = v1::OperatorService::NewStub(channel_);
  v1::ConfirmRestoredRequest confirm;
  confirm.set_request_id(NewRequestId());
  TM_ASSERT_OK_AND_ASSIGN(
      const auto confirmed,
      Invoke(*stub, &v1::OperatorService::Stub::ConfirmRestored, confirm, operator_token_));
  EXPECT_EQ(confirmed.restore_generation(), 1u);
  // At once, and under the new generation everywhere.
  const auto taken = Put(0);
  ASSERT_THAT(taken, IsOk());
  EXPECT_EQ(OutcomeOf(taken->receipts(0)), v1::OUTCOME_STORED);
  TM_ASSERT_OK_AND_ASSIGN(const auto statements,
                          ingest::VerifyReceiptBatch(taken->receipts(0), Keys()));
  EXPECT_EQ(statements.at(0).restore_generation(), 1u);
  EXPECT_EQ(GetInfo(channel_)->restore_generation(), 1u);
  v1::GetUploadStateRequest state;
  state.set_participant_id(site_.participant_id);
  TM_ASSERT_OK_AND_ASSIGN(const auto known, Invoke(*v1::IngestService::NewStub(channel_),
                                                   &v1::IngestService::Stub::GetUploadState, state,
                                                   site_.session_token));
  EXPECT_EQ(known.restore_generation(), 1u);
  const auto again = OpenUpload();
  v1::UploadResponse opened;
  ASSERT_TRUE(again->stream->Read(&opened));
  EXPECT_EQ(opened.opened().restore_generation(), 1u);
}

// No receipt for what could not be read again, and nothing is made in the place of what is missing.
TEST_F(OperationTest, WithoutItsKeysAParticipantsChunksStayOnTheDevice) {
  TM_ASSERT_OK_AND_ASSIGN(const auto stored, Put(0));
  EXPECT_EQ(OutcomeOf(stored.receipts(0)), v1::OUTCOME_STORED);
  const std::string keys = folder_.File("keys/participants/" + site_.participant_id.substr(34) +
                                        "/" + site_.participant_id);
  const std::string away = folder_.File("away");
  std::filesystem::rename(keys, away);
  for (const bool restarted : {false, true}) {
    if (restarted) StartServer();
    TM_ASSERT_OK_AND_ASSIGN(const auto refused, Put(1));
    EXPECT_EQ(OutcomeOf(refused.receipts(0)), v1::OUTCOME_REFUSED) << restarted;
    EXPECT_FALSE(std::filesystem::exists(keys + "/key")) << restarted;
  }
  std::filesystem::remove_all(keys);
  std::filesystem::rename(away, keys);
  const auto taken = Put(1);
  ASSERT_THAT(taken, IsOk());
  EXPECT_EQ(OutcomeOf(taken->receipts(0)), v1::OUTCOME_STORED);
}

// As 17 chunks of records declare them, of 4,096 boots each.
TEST_F(OperationTest, ManyBootsDoNotKeepADeviceFromItsState) {
  ASSERT_THAT(Put(0), IsOk());
  database_.Execute(
      "insert into clock_pair select participant_id, stream_id, writer_id, n / 4096, n % 4096,"
      " study_id, device_id, gen_random_uuid(), 0, true, 0, 0, n, 0"
      " from chunk, generate_series(0, 17 * 4096 - 1) n");
  database_.Execute(
      "insert into clock_pair select participant_id, stream_id, writer_id, 17, 0, study_id,"
      " device_id, boot_id, clock_id, true, 0, 0, 1000000, 0 from chunk");
  v1::GetUploadStateRequest request;
  request.set_participant_id(site_.participant_id);
  TM_ASSERT_OK_AND_ASSIGN(const auto state, Invoke(*v1::IngestService::NewStub(channel_),
                                                   &v1::IngestService::Stub::GetUploadState,
                                                   request, site_.session_token));
  ASSERT_EQ(state.writers_size(), 1);
  EXPECT_EQ(state.writers(0).newest_study_ns(), state.writers(0).newest_device_ns() + 1'000'000);
}

TEST_F(OperationTest, ReceiptsOfAReplacedKeyStillVerify) {
  TM_ASSERT_OK_AND_ASSIGN(const auto old, Put(0));
  std::filesystem::rename(folder_.File("keys/receipt.pem"), folder_.File("receipt.pem.old"));
  StartServer();
  TM_ASSERT_OK_AND_ASSIGN(const auto fresh, Put(1));
  EXPECT_NE(fresh.receipts(0).key_id(), old.receipts(0).key_id());
  EXPECT_EQ(OutcomeOf(fresh.receipts(0)), v1::OUTCOME_STORED);
  EXPECT_EQ(OutcomeOf(old.receipts(0)), v1::OUTCOME_STORED);

  TM_ASSERT_OK_AND_ASSIGN(const auto info, GetInfo(channel_));
  ASSERT_EQ(info.receipt_keys_size(), 2);
  for (const v1::ReceiptKey& key : info.receipt_keys()) {
    EXPECT_EQ(key.has_valid_until(), key.key_id() == old.receipts(0).key_id());
  }
}

class CrowdedServerTest : public OperationTest {
 protected:
  Config MakeConfig() const override {
    Config config = OperationTest::MakeConfig();
    config.handler_threads_max = 6;
    config.app_connections_max = 16;
    return config;
  }
  SelfProbeOptions MakeSelfProbe() const override {
    return {.pause = absl::Milliseconds(20), .timeout = absl::Seconds(20), .on_dead = [] {
              ADD_FAILURE() << "a busy server is not dead";
            }};
  }
  void WaitForHealth(int status) {
    while (Health(channel_) != status) {
    }
  }
};

TEST_F(CrowdedServerTest, IsNotServingWhileEveryHandlerIsTaken) {
  WaitForHealth(1);
  auto lock = std::make_optional<TableLock>(database_, "study");
  constexpr int kCalls = 24;
  std::deque<grpc::ClientContext> contexts;
  std::deque<v1::ListStudiesResponse> responses;
  const v1::ListStudiesRequest request;
  std::atomic<int> ended = 0;
  for (int i = 0; i < kCalls; ++i) {
    Prepare(contexts.emplace_back(), operator_token_);
    studies_->async()->ListStudies(&contexts.back(), &request, &responses.emplace_back(),
                                   [&](const grpc::Status&) {
                                     ++ended;
                                     ended.notify_all();
                                   });
  }
  WaitForHealth(2);
  lock.reset();
  for (int seen = ended; seen < kCalls; seen = ended) ended.wait(seen);
  WaitForHealth(1);
}

}  // namespace
}  // namespace tidemark::server
