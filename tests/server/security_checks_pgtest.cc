// `tidemark doctor --security` from the server's side, keys in another database, key rotation and
// restores through a real server.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "base/db/migrator.h"
#include "base/rpc/reason.h"
#include "migrations/migrations.h"
#include "server/key_store_checks.h"
#include "tests/server/server_fixture.h"
#include "tests/server/server_questions.h"
#include "tidemark/v1/operator.grpc.pb.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

using OperatorStub = v1::OperatorService::Stub;

class SecurityChecksTest : public ServerFixture {
 protected:
  std::map<std::string, v1::SecurityCheck> Check() {
    const auto stub = v1::OperatorService::NewStub(channel_);
    const auto checked =
        Invoke(*stub, &OperatorStub::CheckSecurity, v1::CheckSecurityRequest(), operator_token_);
    EXPECT_THAT(checked, IsOk());
    std::map<std::string, v1::SecurityCheck> checks;
    if (checked.ok()) {
      for (const v1::SecurityCheck& check : checked->checks()) checks[check.name()] = check;
    }
    return checks;
  }
  v1::CheckState StateOf(const std::string& name) { return Check()[name].state(); }
  absl::StatusOr<v1::RotateKeyEncryptionKeyResponse> Rotate() {
    const auto stub = v1::OperatorService::NewStub(channel_);
    v1::RotateKeyEncryptionKeyRequest request;
    request.set_request_id(NewRequestId());
    return Invoke(*stub, &OperatorStub::RotateKeyEncryptionKey, request, operator_token_);
  }
};

TEST_F(SecurityChecksTest, SaysWhatIsWellAndWhatIsNot) {
  MakeSite("checked");
  auto checks = Check();
  for (const char* name : {"database.roles", "database.row_security", "database.transport",
                           "database.restore", "keys.store", "keys.files", "keys.receipt_key",
                           "server.port", "evidence.signed", "erasures.done"}) {
    EXPECT_EQ(checks[name].state(), v1::CHECK_STATE_OK) << checks[name].ShortDebugString();
  }
  // The cluster of the tests does not sync, and the key-encryption key lies beside the keys.
  EXPECT_EQ(checks["database.durability"].state(), v1::CHECK_STATE_FAILED);
  EXPECT_EQ(checks["keys.encryption_key"].state(), v1::CHECK_STATE_WARNING);
  // The first operator's.
  EXPECT_EQ(checks["access.tokens"].state(), v1::CHECK_STATE_WARNING);
  EXPECT_EQ(checks["database.disk"].state(), v1::CHECK_STATE_WARNING);
  EXPECT_EQ(checks.size(), 16u);
  for (const auto& [name, check] : checks) {
    EXPECT_FALSE(check.detail().empty()) << name;
    EXPECT_THAT(check.detail(), ::testing::Not(HasSubstr(folder_.File("")))) << name;
  }
}

TEST_F(SecurityChecksTest, NoticesWhatWasTakenAway) {
  database_.Execute("alter table chunk no force row level security");
  database_.Execute("drop policy in_scope on quarantine");
  auto open = Check()["database.row_security"];
  EXPECT_EQ(open.state(), v1::CHECK_STATE_FAILED);
  EXPECT_THAT(open.detail(), ::testing::AllOf(HasSubstr("chunk"), HasSubstr("quarantine")));

  fs::permissions(folder_.File("keys"), fs::perms(0750));
  EXPECT_EQ(StateOf("keys.files"), v1::CHECK_STATE_FAILED);
  fs::permissions(folder_.File("keys"), fs::perms(0700));
  EXPECT_EQ(StateOf("keys.files"), v1::CHECK_STATE_OK);

  database_.Execute("update restore_mark set heartbeat = 0");
  auto behind = Check()["database.restore"];
  EXPECT_EQ(behind.state(), v1::CHECK_STATE_FAILED);
  EXPECT_THAT(behind.detail(), HasSubstr("tidemark admin restored"));

  database_.Execute(
      "insert into study values (gen_random_uuid(), 'old', now() - interval '3 days')");
  EXPECT_EQ(StateOf("evidence.signed"), v1::CHECK_STATE_FAILED);
  database_.Execute(
      "insert into job (job_id, kind, study_id, payload, state, available_at, created_at)"
      " values (gen_random_uuid(), 1, gen_random_uuid(), '', 1, now() + interval '1 day',"
      " now() - interval '2 hours')");
  EXPECT_EQ(StateOf("erasures.done"), v1::CHECK_STATE_FAILED);
  database_.Execute("update receipt_key set valid_from = now() - interval '500 days'");
  EXPECT_EQ(StateOf("keys.receipt_key"), v1::CHECK_STATE_WARNING);
  database_.Execute("update key_store_mark set key_store_id = gen_random_uuid()");
  EXPECT_EQ(StateOf("keys.store"), v1::CHECK_STATE_FAILED);
}

// What the owner of a token cannot do is not advised.
TEST_F(SecurityChecksTest, TokensOfProgramsAreToldOfBeforeTheyEndAndWhenTheyAreOld) {
  const Site site = MakeSite("programs");
  database_.Execute("update credential set expires_at = now() + interval '90 days' where kind = 1");
  EXPECT_EQ(StateOf("access.tokens"), v1::CHECK_STATE_OK);
  const auto access = v1::AccessService::NewStub(channel_);
  v1::CreateServiceRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(site.study_id);
  request.set_display_name("trainer");
  request.set_role(v1::ROLE_TRAINER);
  TM_ASSERT_OK_AND_ASSIGN(
      const auto service,
      Invoke(*access, &v1::AccessService::Stub::CreateService, request, site.manager_token));
  EXPECT_EQ(StateOf("access.tokens"), v1::CHECK_STATE_OK);
  const auto with = [&](const std::string& assignments) {
    database_.Execute("update credential set " + assignments + " where principal_id = '" +
                      service.principal_id() + "'");
    return Check()["access.tokens"];
  };
  EXPECT_THAT(with("expires_at = now() + interval '29 days'").detail(),
              ::testing::AllOf(HasSubstr("1 tokens of programs end within 30 days"),
                               HasSubstr("tidemark service create")));
  EXPECT_EQ(with("expires_at = now() - interval '1 day'").state(), v1::CHECK_STATE_OK);
  EXPECT_EQ(with("expires_at = null").state(), v1::CHECK_STATE_OK);
  const v1::SecurityCheck old = with("expires_at = null, created_at = now() - interval '367 days'");
  EXPECT_EQ(old.state(), v1::CHECK_STATE_WARNING);
  EXPECT_THAT(old.detail(), ::testing::AllOf(HasSubstr("older than 366 days"),
                                             ::testing::Not(HasSubstr("token create"))));
  // Its role was taken: it opens nothing.
  v1::RemoveGrantRequest remove;
  remove.set_request_id(NewRequestId());
  remove.set_study_id(site.study_id);
  remove.set_principal_id(service.principal_id());
  remove.set_role(v1::ROLE_TRAINER);
  ASSERT_THAT(Invoke(*access, &v1::AccessService::Stub::RemoveGrant, remove, site.manager_token),
              IsOk());
  EXPECT_EQ(StateOf("access.tokens"), v1::CHECK_STATE_OK);
}

TEST_F(SecurityChecksTest, ADatabaseThatLogsParametersIsFound) {
  EXPECT_EQ(StateOf("database.log"), v1::CHECK_STATE_OK);
  database_.Execute("alter database " + database_.name() + " set log_statement = 'all'");
  StartServer();
  auto log = Check()["database.log"];
  EXPECT_EQ(log.state(), v1::CHECK_STATE_FAILED);
  EXPECT_THAT(log.detail(), HasSubstr("log_parameter_max_length = 0"));
  database_.Execute("alter database " + database_.name() + " set log_parameter_max_length = 0");
  StartServer();
  EXPECT_EQ(StateOf("database.log"), v1::CHECK_STATE_OK);
}

TEST_F(SecurityChecksTest, ARotationChangesNothingForCallers) {
  const Site site = MakeSite("rotated");
  TM_ASSERT_OK_AND_ASSIGN(const auto rotated, Rotate());
  EXPECT_GE(rotated.keys_rewrapped(), 3u);
  EXPECT_FALSE(AddParticipant(site, "p2").empty());
  StartServer();
  EXPECT_FALSE(AddParticipant(site, "p3").empty());
}

// Keys in a database of their own. Here it lies in the same cluster, which only a test may do.
class KeysInDatabaseTest : public SecurityChecksTest {
 protected:
  KeysInDatabaseTest() {
    EXPECT_THAT(db::Migrate(keys_database_.OwnerDsn(), migrations::kKeyStore), IsOk());
  }
  Config MakeConfig() const override {
    Config config = TestConfig(database_, folder_);
    config.keys_folder.clear();
    config.key_store = keys_database_.SuperuserDsn();
    config.kek_file = folder_.File("kek");
    return config;
  }

  const support::EmptyDatabase keys_database_;
};

TEST_F(KeysInDatabaseTest, EverythingWorksAsWithAFolder) {
  const Site site = MakeSite("elsewhere");
  ASSERT_THAT(Rotate(), IsOk());
  StartServer();
  EXPECT_FALSE(AddParticipant(site, "p2").empty());
  auto checks = Check();
  EXPECT_EQ(checks["keys.encryption_key"].state(), v1::CHECK_STATE_OK);
  EXPECT_EQ(checks["keys.store"].state(), v1::CHECK_STATE_OK);
  EXPECT_EQ(checks["database.restore"].state(), v1::CHECK_STATE_OK);
  EXPECT_FALSE(fs::exists(folder_.File("keys")));
}

TEST_F(KeysInDatabaseTest, IsRefusedWhereItsBackupsWouldHoldBoth) {
  Config config = MakeConfig();
  config.unsafe_durability = false;
  db::Pool pool({.dsn = DsnOf(config.dsn, "tm_app"), .connections_max = 1});
  const absl::Time soon = absl::Now() + absl::Seconds(10);
  EXPECT_THAT(OpenKeyStore(config, &pool, soon),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("same cluster")));
  config.unsafe_durability = true;
  const support::EmptyDatabase empty;
  config.key_store = empty.SuperuserDsn();
  config.keys_user = "tm_owner";
  EXPECT_THAT(OpenKeyStore(config, &pool, soon),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--migrate")));
  config.key_store = config.dsn;
  config.keys_user = "tm_app";
  EXPECT_THAT(OpenKeyStore(config, &pool, soon), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                          HasSubstr("database of the recordings")));
}

}  // namespace
}  // namespace tidemark::server
