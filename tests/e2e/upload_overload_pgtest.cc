// A server that is at a limit of its own answers OVERLOADED: the client waits, sends again, and its
// outbox is empty in the end. A full disk of the database and an outbox of too many runs are driven
// in upload_table_pgtest.cc.
#include <filesystem>
#include <string>

#include "base/db/pipeline.h"
#include "ingest/client/session.h"
#include "store/folder_key_layout.h"
#include "tests/e2e/upload_fixture.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;

class UploadOverloadTest : public UploadFixture {
 protected:
  server::Config MakeConfig() const override {
    server::Config config = UploadFixture::MakeConfig();
    config.ingest_messages_in_flight_max = 1;
    return config;
  }
  // `remedy` takes the cause away while the client waits.
  UploadReport DrainWith(UploadWay way, const std::function<void()>& remedy) {
    ManualClock clock(absl::Now());
    UploadOptions options = Options(way);
    options.waits_max = 1;
    options.wait_max = absl::InfiniteDuration();
    options.bundle_timeout = absl::Seconds(1);
    options.clock = &clock;
    options.sleep = [&](absl::Duration time) {
      clock.Advance(time);
      remedy();
    };
    return UploadClient(channel_, *identity_, *outbox_, *ledger_, options).Drain();
  }
  static void ExpectWaitedAndStored(const UploadReport& report) {
    ASSERT_THAT(report.status, IsOk());
    EXPECT_EQ(report.chunks_left, 0u) << report.note;
    EXPECT_EQ(report.receipts.at(v1::OUTCOME_REFUSED), 1u);
    EXPECT_EQ(report.receipts.at(v1::OUTCOME_STORED), 1u);
  }
};

TEST_F(UploadOverloadTest, ABundleWithoutRoomIsSentAgain) {
  ASSERT_THAT(Drain().status, IsOk());
  // The one message that the server has room for waits for a lock that is held here.
  const ChunkRef held = AppendChunk();
  DeviceSession session(channel_, *identity_, Clock::Real());
  const auto token = session.Token();
  ASSERT_THAT(token, IsOk());
  const auto bytes = outbox_->Read(held);
  ASSERT_THAT(bytes, IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const auto blocker,
                          db::PipelineConnection::Connect({.dsn = database_.SuperuserDsn()}));
  ASSERT_THAT(blocker->Run("begin; lock table stream_state in exclusive mode", "lock"), IsOk());
  grpc::ClientContext context;
  server::Prepare(context, *token);
  const auto ingest = v1::IngestService::NewStub(channel_);
  const auto call = ingest->Upload(&context);
  v1::UploadRequest request;
  v1::UploadResponse response;
  request.mutable_open();
  ASSERT_TRUE(call->Write(request) && call->Read(&response));
  auto& envelope = *request.mutable_chunks()->add_envelopes();
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_uncompressed_size(static_cast<uint32_t>(bytes->body.size()));
  envelope.set_sha256(std::string(AsView(bytes->sha256)));
  envelope.set_body(bytes->body);
  ASSERT_TRUE(call->Write(request));
  while (
      database_.QueryValue("select count(*) from pg_locks join pg_database d on d.oid = database "
                           "where not granted and datname = current_database()") == "0") {
    continue;
  }

  EnrolAs("tablet");
  AppendChunk();
  ExpectWaitedAndStored(DrainWith(UploadWay::kBundle, [&] {
    ASSERT_THAT(blocker->Run("rollback", "rollback"), IsOk());
    ASSERT_TRUE(call->Read(&response));
  }));
  call->WritesDone();
  EXPECT_FALSE(call->Read(&response));
  EXPECT_TRUE(call->Finish().ok());
}

TEST_F(UploadOverloadTest, AKeyThatCannotBeReadIsWaitedFor) {
  const store::FolderKeyLayout layout(folder_.File("keys"));
  for (const UploadWay way : {UploadWay::kStream, UploadWay::kBundle}) {
    const std::string name = way == UploadWay::kStream ? "one" : "two";
    site_.participant_id = AddParticipant(site_, name);
    EnrolAs(name);
    const std::string key = layout.ParticipantKey(*ParticipantId::Parse(site_.participant_id));
    std::filesystem::copy_file(key, key + ".copy");
    std::filesystem::resize_file(key, 3);
    AppendChunk();
    ExpectWaitedAndStored(DrainWith(way, [&] { std::filesystem::rename(key + ".copy", key); }));
  }
}

}  // namespace
}  // namespace tidemark::ingest
