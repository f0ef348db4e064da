// Databases that come back from a backup: noticed, made whole by devices, and without what was
// erased.
#include <pqxx/pqxx>

#include "store/envelope.h"
#include "study/audit.h"
#include "tests/e2e/upload_fixture.h"
#include "tests/support/base_backup.h"
#include "tidemark/v1/operator.grpc.pb.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using support::StatusIs;

constexpr char kMarker[] = "set aside as it came";

// A database as it is now; nobody may be connected to it.
class Copy : public support::EmptyDatabase {
 public:
  explicit Copy(const EmptyDatabase& from) : EmptyDatabase(from.name()) {}
};

class RestoreE2eTest : public UploadFixture {
 protected:
  server::Config MakeConfig() const override {
    server::Config config = UploadFixture::MakeConfig();
    if (!dsn_.empty()) config.dsn = dsn_;
    return config;
  }
  void StopServer() {
    Disconnect();
    server_.reset();
  }
  // Bodies stay in the outbox: the device does not trust what this server says.
  UploadReport DrainAndKeep() {
    UploadOptions options = Options(UploadWay::kStream);
    options.accept_unsafe_durability = false;
    return UploadClient(channel_, *identity_, *outbox_, *ledger_, options).Drain();
  }
  absl::Status ConfirmRestored() {
    v1::ConfirmRestoredRequest request;
    request.set_request_id(server::NewRequestId());
    return server::Invoke(*v1::OperatorService::NewStub(channel_),
                          &v1::OperatorService::Stub::ConfirmRestored, request, operator_token_)
        .status();
  }
  std::string dsn_;  // of another database than the fixture's
};

TEST_F(RestoreE2eTest, ARestoredDatabaseIsRefusedAndThenMadeWholeByDevices) {
  for (int i = 0; i < 2; ++i) AppendChunk();
  ASSERT_THAT(DrainAndKeep().status, IsOk());
  StopServer();
  const Copy backup(database_);
  StartServer();
  for (int i = 0; i < 3; ++i) AppendChunk();
  ASSERT_THAT(DrainAndKeep().status, IsOk());
  ASSERT_EQ(database_.QueryValue("select count(*) from chunk"), "5");
  ASSERT_EQ(outbox_->pending_chunks(), 5u);

  StopServer();
  dsn_ = backup.SuperuserDsn();
  StartServer();
  const UploadReport refused = Drain();
  EXPECT_THAT(refused.status, StatusIs(absl::StatusCode::kFailedPrecondition,
                                       testing::HasSubstr("tidemark admin restored")));
  EXPECT_EQ(outbox_->pending_chunks(), 5u);
  EXPECT_EQ(backup.QueryValue("select count(*) from chunk"), "2");

  ASSERT_THAT(ConfirmRestored(), IsOk());
  const UploadReport sent = Drain();
  ASSERT_THAT(sent.status, IsOk());
  EXPECT_EQ(sent.receipts.at(v1::OUTCOME_DUPLICATE), 2u);
  EXPECT_EQ(sent.receipts.at(v1::OUTCOME_STORED), 3u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_EQ(backup.QueryValue("select count(*) from chunk"), "5");
  ExpectNothingMissing();

  // The database that was given up is now the older one.
  StopServer();
  dsn_.clear();
  StartServer();
  AppendChunk();
  EXPECT_THAT(Drain().status, StatusIs(absl::StatusCode::kFailedPrecondition));
}

class ErasedBackupTest : public RestoreE2eTest {
 protected:
  std::unique_ptr<store::KeyStore> Keys(const std::string& folder) {
    auto keys = store::OpenFolderKeyStore({.folder = folder_.File(folder)});
    EXPECT_THAT(keys, IsOk());
    return keys.ok() ? *std::move(keys) : nullptr;
  }

  // What opening everything of the participant that the database holds sealed gives, by kind.
  std::map<std::string, std::vector<absl::Status>> OpenAll(const std::string& dsn,
                                                           store::KeyStore& keys) {
    std::map<std::string, std::vector<absl::Status>> outcomes;
    pqxx::connection connection(dsn);
    pqxx::work tx(connection);
    const ParticipantId participant = *ParticipantId::Parse(site_.participant_id);
    const pqxx::result rows = tx.exec(
        "select 'segment.payload' as kind, segment_id as id, stream_id, payload as sealed"
        "  from segment union all "
        "select 'segment.tiles', segment_id, stream_id, tiles from segment where tiles is not null"
        " union all select 'quarantine.body', quarantine_id,"
        " '00000000-0000-0000-0000-000000000000', body from quarantine where body is not null");
    for (const pqxx::row& row : rows) {
      const auto kind = row["kind"].as<std::string>();
      const Uuid id = *Uuid::Parse(row["id"].c_str());
      outcomes[kind].push_back(store::OpenEnvelope(keys, {kind, participant, id.AsBytes()},
                                                   *StreamId::Parse(row["stream_id"].c_str()),
                                                   db::BytesOf(row["sealed"]))
                                   .status());
    }
    const pqxx::result links = tx.exec_params(
        "select study_id, seq, body from audit where subject = $1::uuid", site_.participant_id);
    for (const pqxx::row& row : links) {
      const auto body =
          study::OpenAuditBody(keys, participant.uuid, *Uuid::Parse(row["study_id"].c_str()),
                               row["seq"].as<int64_t>(), db::BytesOf(row["body"]));
      outcomes["audit.body"].push_back(body.ok() && !*body ? absl::NotFoundError("")
                                                           : body.status());
    }
    return outcomes;
  }
};

// The base backup is from before the erasure and whole; what is gone is the key.
TEST_F(ErasedBackupTest, AnOldBaseBackupDoesNotBringBackWhatWasErased) {
  const auto quarantined = [](v1::ChunkBody& body) {
    body.set_version(99);
    body.mutable_samples()->set_values(kMarker);
  };
  AppendChunk();
  AppendChunk(quarantined);
  ASSERT_THAT(Drain().status, IsOk());
  const support::BaseBackup backup(database_.SuperuserDsn());
  ASSERT_TRUE(backup.taken());
  // What a thief would have who took the keys as well.
  std::filesystem::copy(folder_.File("keys"), folder_.File("old-keys"),
                        std::filesystem::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(EraseParticipant(site_));
  StartServer();  // a beat after the backup
  ASSERT_TRUE(backup.Start());

  const auto then = OpenAll(backup.SuperuserDsn(), *Keys("old-keys"));
  EXPECT_EQ(then.size(), 4u) << "payloads, tiles, quarantine and evidence";
  const auto now = OpenAll(backup.SuperuserDsn(), *Keys("keys"));
  EXPECT_EQ(now.size(), 4u);
  for (const auto& [kind, outcomes] : then) {
    for (const absl::Status& outcome : outcomes) EXPECT_THAT(outcome, IsOk()) << kind;
  }
  for (const auto& [kind, outcomes] : now) {
    EXPECT_EQ(outcomes.size(), then.at(kind).size());
    for (const absl::Status& outcome : outcomes) {
      EXPECT_THAT(outcome, StatusIs(absl::StatusCode::kNotFound)) << kind;
    }
  }
  // Nothing lies open beside what is sealed.
  pqxx::connection connection(backup.SuperuserDsn());
  pqxx::work tx(connection);
  EXPECT_EQ(tx.exec_params("select count(*) from quarantine where position($1::bytea in body) > 0",
                           db::Bytea(kMarker))[0][0]
                .as<int>(),
            0);
  tx.commit();

  // A server over the backup starts with its keys and notices; without them it does not start.
  server_.reset();
  server::Config config = MakeConfig();
  config.dsn = backup.SuperuserDsn();
  TM_ASSERT_OK_AND_ASSIGN(server_, server::Server::Start(config));
  channel_ = server_->InProcessChannel();
  AppendChunk();
  EXPECT_THAT(Drain().status, StatusIs(absl::StatusCode::kFailedPrecondition));

  // Once it is confirmed, who was erased is erased again without being asked for.
  const auto rows = [&] {
    pqxx::nontransaction look(connection);
    return look.exec("select count(*) from participant")[0][0].as<int>();
  };
  EXPECT_EQ(rows(), 1);
  ASSERT_THAT(ConfirmRestored(), IsOk());
  const absl::Time last = absl::Now() + absl::Seconds(20);
  while (rows() > 0 && absl::Now() < last) {
  }
  EXPECT_EQ(rows(), 0);
  server_->Shutdown(absl::ZeroDuration());
  config.keys_folder = folder_.File("no-keys");
  EXPECT_THAT(server::Server::Start(config), StatusIs(absl::StatusCode::kFailedPrecondition));
  Disconnect();
  server_.reset();
}

}  // namespace
}  // namespace tidemark::ingest
