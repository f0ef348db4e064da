#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/base64.h"
#include "base/log.h"
#include "ingest/upload_stream.h"
#include "server/commands.h"
#include "server/files.h"
#include "server/server.h"
#include "tests/server/certificate.h"
#include "tests/server/server_fixture.h"
#include "tests/server/server_questions.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::IsOkAndHolds;
using support::StatusIs;
using support::TestDatabase;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// ctest says where the sources are; a test that is run by hand stands in their root.
std::string SourceFile(const std::string& path) {
  const char* root = std::getenv("TIDEMARK_SOURCE_DIR");
  return (root != nullptr ? std::string(root) + "/" : "") + path;
}

class ServerTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const TestDatabase database_;
};

TEST_F(ServerTest, ServesOnAFreePortAndSaysWhich) {
  Config config = TestConfig(database_, folder_);
  config.port_file = folder_.File("port");
  TM_ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(config));
  EXPECT_GT(server->port(), 0);
  TM_ASSERT_OK_AND_ASSIGN(const std::string port, ReadWholeFile(config.port_file));
  EXPECT_EQ(port, std::to_string(server->port()) + "\n");
  const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server->port()),
                                           grpc::InsecureChannelCredentials());
  TM_ASSERT_OK_AND_ASSIGN(const auto info, GetInfo(channel));
  EXPECT_EQ(info.audience(), "test-audience");
  EXPECT_FALSE(info.version().empty());
  EXPECT_EQ(info.limits().bundle_bytes_max(), 8u << 20);
  EXPECT_EQ(info.limits().chunks_in_flight_max(), ingest::kChunksInFlightMax);
  EXPECT_EQ(info.limits().chunks_per_message_max(), 256u);
  EXPECT_EQ(info.limits().bundle_entries_max(), 4'096u);
  EXPECT_EQ(info.limits().samples_per_chunk_max(), 65'536u);
  EXPECT_EQ(info.limits().records_per_chunk_max(), 4'096u);
  EXPECT_EQ(info.limits().abandoned_numbers_max(), 1u << 20);
  EXPECT_EQ(info.receipt_keys_size(), 1);
  EXPECT_EQ(Health(channel), 1);
}

TEST_F(ServerTest, ServesTls) {
  Config config = TestConfig(database_, folder_);
  config.tls_cert = folder_.File("cert.pem");
  config.tls_key = folder_.File("key.pem");
  MakeCertificate(config.tls_cert, config.tls_key);
  TM_ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(config));
  grpc::SslCredentialsOptions trust;
  TM_ASSERT_OK_AND_ASSIGN(trust.pem_root_certs, ReadWholeFile(config.tls_cert));
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  const std::string target = "127.0.0.1:" + std::to_string(server->port());
  EXPECT_THAT(GetInfo(grpc::CreateCustomChannel(target, grpc::SslCredentials(trust), arguments)),
              IsOk());
  EXPECT_FALSE(GetInfo(grpc::CreateChannel(target, grpc::InsecureChannelCredentials())).ok());
}

TEST_F(ServerTest, RolesThatCouldGoAroundRowSecurityAreRefused) {
  Config config = TestConfig(database_, folder_);
  config.app_user = "postgres";
  EXPECT_THAT(Server::Start(config).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("superuser")));
  config = TestConfig(database_, folder_);
  config.read_user = "tm_owner";
  EXPECT_THAT(Server::Start(config).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("owns tables")));
}

TEST_F(ServerTest, DatabaseThatWasNotMigratedIsRefused) {
  const support::EmptyDatabase empty;
  Config config = TestConfig(database_, folder_);
  config.dsn = empty.SuperuserDsn();
  EXPECT_EQ(Server::Start(config).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ServerTest, FaultsOfTheConfigurationAreNamedTogether) {
  EXPECT_THAT(
      Server::Start(Config()).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("--dsn"), HasSubstr("--keys"))));
}

TEST_F(ServerTest, TakenPortIsRefused) {
  TM_ASSERT_OK_AND_ASSIGN(const auto first, Server::Start(TestConfig(database_, folder_)));
  Config config = TestConfig(database_, folder_);
  config.listen = "127.0.0.1:" + std::to_string(first->port());
  EXPECT_EQ(Server::Start(config).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ServerTest, ShutdownEndsCallsAndMayBeRepeated) {
  TM_ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(TestConfig(database_, folder_)));
  const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server->port()),
                                           grpc::InsecureChannelCredentials());
  ASSERT_THAT(GetInfo(channel), IsOk());
  server->Shutdown(absl::Seconds(1));
  server->Shutdown(absl::Seconds(1));
  EXPECT_FALSE(GetInfo(channel).ok());
}

TEST_F(ServerTest, OperatorIsBootstrappedOnce) {
  Config config = TestConfig(database_, folder_);
  const std::string file = folder_.File("operator.token");
  ASSERT_THAT(BootstrapOperator(config, file), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const std::string token, ReadWholeFile(file));
  EXPECT_THAT(BootstrapOperator(config, file), IsOk());
  EXPECT_EQ(*ReadWholeFile(file), token);
  EXPECT_TRUE(absl::IsFailedPrecondition(BootstrapOperator(config, folder_.File("other"))));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("other")));
}

TEST_F(ServerTest, AccessTableNamesEveryService) {
  TM_ASSERT_OK_AND_ASSIGN(const std::string table, PrintAccess());
  for (const char* service : {"Study", "Device", "Ingest", "Signal", "Server"}) {
    EXPECT_THAT(table, HasSubstr(std::string("/tidemark.v1.") + service + "Service/"));
  }
}

// The document in the repository is this server's own answer.
TEST_F(ServerTest, DocumentOfAccessIsUpToDate) {
  TM_ASSERT_OK_AND_ASSIGN(const std::string table, PrintAccess());
  TM_ASSERT_OK_AND_ASSIGN(const std::string document, ReadWholeFile(SourceFile("docs/access.md")));
  EXPECT_EQ(document, table) << "run tidemarkd --print-access > docs/access.md";
}

TEST_F(ServerTest, DocumentOfMetricsIsUpToDate) {
  TM_ASSERT_OK_AND_ASSIGN(const std::string document, ReadWholeFile(SourceFile("docs/metrics.md")));
  EXPECT_EQ(document, PrintMetrics()) << "run tidemarkd --print-metrics > docs/metrics.md";
}

TEST_F(ServerTest, SaysWhatWaitsToBeSealed) {
  EXPECT_THAT(PrintBacklog(TestConfig(database_, folder_)),
              IsOkAndHolds("live_streams 0\nlive_segments 0\nlive_bytes 0\noldest_seconds 0\n"
                           "faulty_segments 0\n"));
}

TEST_F(ServerTest, DatabaseThatIsNotDurableRefusesIngestAndSaysSo) {
  Config config = TestConfig(database_, folder_);
  config.unsafe_durability = false;
  InitLog("info", false);
  ::testing::internal::CaptureStderr();
  TM_ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(config));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("ingest is refused"));
  EXPECT_EQ(Health(server->InProcessChannel()), 1);
}

class ServerCallsTest : public ServerFixture {};

TEST_F(ServerCallsTest, RevokedDeviceIsToldSo) {
  const Site site = MakeSite("revoked");
  v1::RevokeDeviceRequest revoke;
  revoke.set_request_id(NewRequestId());
  revoke.set_participant_id(site.participant_id);
  revoke.set_device_id(site.device_id);
  ASSERT_THAT(Invoke(*devices_, &v1::DeviceService::Stub::RevokeDevice, revoke, site.manager_token),
              IsOk());
  const auto session = OpenSession(site);
  EXPECT_THAT(session.status(), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(rpc::ReasonOf(session.status()), v1::ERROR_REASON_DEVICE_REVOKED);
}

// From the first line of its log on, with a password in the connection string.
class QuietServerTest : public ServerFixture {
 protected:
  void SetUp() override {
    InitLog("debug", false);
    ::testing::internal::CaptureStderr();
    ServerFixture::SetUp();
    site_ = MakeSite("quiet");
  }
  Config MakeConfig() const override {
    Config config = ServerFixture::MakeConfig();
    config.dsn += " password=canary-of-the-dsn";
    return config;
  }

  // A part of it is enough to be found, however it is written.
  void KeepSecret(const std::string& secret) {
    ASSERT_GE(secret.size(), 11u);
    const std::string part = secret.substr(secret.size() - 11);
    parts_.insert(parts_.end(), {part, HexEncode(part), Base64UrlEncode(part)});
  }
  void KeepFileSecret(const std::string& name) {
    TM_ASSERT_OK_AND_ASSIGN(const std::string content, ReadWholeFile(folder_.File(name)));
    KeepSecret(content.substr(0, content.find_last_not_of('\n') + 1));
  }
  absl::Status CreateStudy(const std::string& name) {
    v1::CreateStudyRequest request;
    request.set_request_id(NewRequestId());
    request.set_name(name);
    KeepSecret(name);
    return Invoke(*studies_, &v1::StudyService::Stub::CreateStudy, request, operator_token_)
        .status();
  }
  absl::Status ListStudies(const std::string& token, const std::string& page_token) {
    v1::ListStudiesRequest request;
    request.set_page_token(page_token);
    KeepSecret(token);
    KeepSecret(page_token);
    return Invoke(*studies_, &v1::StudyService::Stub::ListStudies, request, token).status();
  }
  absl::Status Enrol(const std::string& code, const std::string& proof) {
    v1::EnrolRequest request;
    request.set_code(code);
    request.set_public_key(site_.device_key.Public().Export());
    request.set_proof(
        proof.empty() ? site_.device_key.Sign(study::EnrolProofBytes(code, request.public_key()))
                      : proof);
    KeepSecret(code);
    KeepSecret(request.proof());
    return Invoke(*devices_, &v1::DeviceService::Stub::Enrol, request, "").status();
  }

  Site site_;
  std::vector<std::string> parts_;
};

TEST_F(QuietServerTest, LogsHoldNoSecrets) {
  for (const std::string& secret : {operator_token_, site_.manager_token, site_.session_token,
                                    std::string("canary-of-the-dsn")}) {
    KeepSecret(secret);
  }
  for (const char* file : {"keys/kek", "keys/receipt.pem", "keys/service/challenge"}) {
    KeepFileSecret(file);
  }
  // Refusals.
  EXPECT_FALSE(ListStudies(site_.manager_token, "canary-of-a-page-token").ok());
  EXPECT_FALSE(ListStudies("tmm_canary-of-a-wrong-token", "canary-of-another-page").ok());
  EXPECT_FALSE(Enrol("tme_canary-of-a-wrong-code", "canary-of-a-proof").ok());
  // Failures, which are logged, of calls that carry secrets.
  database_.Execute("alter table study rename to study_away");
  database_.Execute("alter table credential rename to credential_away");
  EXPECT_THAT(CreateStudy("canary-of-a-study"),
              StatusIs(absl::StatusCode::kInternal, "internal error"));
  EXPECT_FALSE(Enrol("tme_0123456789abcdef0123_canary-canary-canary-canary-cana", "").ok());
  EXPECT_FALSE(OpenSession(site_).ok());
  Disconnect();
  server_->Shutdown(absl::ZeroDuration());

  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, AllOf(HasSubstr("CreateStudy"), HasSubstr("Enrol"), HasSubstr("OpenSession")));
  for (const std::string& part : parts_) EXPECT_THAT(log, Not(HasSubstr(part)));
}

}  // namespace
}  // namespace tidemark::server
