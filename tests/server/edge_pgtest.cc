// HAProxy for real, with the configuration of deploy/haproxy: TLS, two servers behind it, one of
// them killed under load. Skipped where haproxy is not installed.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "server/files.h"
#include "tests/server/certificate.h"
#include "tests/server/daemon.h"
#include "tests/server/free_port.h"
#include "tests/server/http_question.h"
#include "tests/server/senders.h"
#include "tests/server/server_questions.h"

namespace tidemark::server {
namespace {

using support::IsOk;

std::string HaproxyProgram() {
  for (const char* path : {"/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

class EdgeTest : public ServerFixture {
 protected:
  void SetUp() override {
    if (HaproxyProgram().empty()) GTEST_SKIP() << "haproxy is not installed";
    ServerFixture::SetUp();
    site_ = MakeSite("edge");
    DeclareAcc(site_, stream_id_);
    MakeCertificate(folder_.File("cert.pem"), folder_.File("key.pem"));
    certificate_ = *ReadWholeFile(folder_.File("cert.pem"));
    std::ofstream(folder_.File("edge.pem"))
        << certificate_ << *ReadWholeFile(folder_.File("key.pem"));
    for (const char* name : {"a", "b"}) StartDaemon(name);
    StartEdge();
  }

  void StartDaemon(const std::string& name) {
    servers_.push_back(std::make_unique<Daemon>(std::vector<std::string>{
        "--dsn", database_.SuperuserDsn(), "--keys", folder_.File("keys"), "--listen",
        "127.0.0.1:0", "--port-file", folder_.File("port." + name), "--audience", "test-audience",
        "--unsafe-durability"}));
    ASSERT_TRUE(servers_.back()->WaitForLog("serves on port")) << servers_.back()->log();
    ports_.push_back(std::stoi(*ReadWholeFile(folder_.File("port." + name))));
  }
  void StartEdge() {
    const char* const source = std::getenv("TIDEMARK_SOURCE_DIR");
    const std::string config =
        (source != nullptr ? std::string(source) + "/" : "") + "deploy/haproxy/haproxy.cfg";
    edge_port_ = FreePort();
    stats_port_ = FreePort();
    edge_ = std::make_unique<Daemon>(
        Daemon::Other{{HaproxyProgram(), "-db", "-f", config}},
        std::vector<std::string>{fmt::format("TIDEMARK_EDGE=127.0.0.1:{}", edge_port_),
                                 "TIDEMARK_EDGE_CERTIFICATE=" + folder_.File("edge.pem"),
                                 "TIDEMARK_EDGE_CONNECTIONS=200",
                                 fmt::format("TIDEMARK_EDGE_METRICS=127.0.0.1:{}", stats_port_),
                                 fmt::format("TIDEMARK_SERVER_1=127.0.0.1:{}", ports_[0]),
                                 fmt::format("TIDEMARK_SERVER_2=127.0.0.1:{}", ports_[1])});
  }
  std::shared_ptr<grpc::Channel> ConnectToEdge() const {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    grpc::SslCredentialsOptions trust;
    trust.pem_root_certs = certificate_;
    return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", edge_port_),
                                     grpc::SslCredentials(trust), arguments);
  }
  // As HAProxy's own metrics have it.
  double ServersUp() const {
    const std::string page = AskHttp(stats_port_, "/metrics").body;
    double up = 0;
    for (const char* server : {"server1", "server2"}) {
      up += MetricOf(page, fmt::format("haproxy_server_status{{proxy=\"tidemark\",server=\"{}\","
                                       "state=\"UP\"}}",
                                       server)) > 0
                ? 1
                : 0;
    }
    return up;
  }
  void WaitForServersUp(double count) const {
    while (ServersUp() != count) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

  Site site_;
  const StreamId stream_id_ = StreamId::MakeV7();
  std::string certificate_;
  std::vector<std::unique_ptr<Daemon>> servers_;
  std::vector<int> ports_;
  int edge_port_ = 0;
  int stats_port_ = 0;
  std::unique_ptr<Daemon> edge_;
};

TEST_F(EdgeTest, OneOfTwoServersIsKilledUnderLoadAndNothingIsLost) {
  WaitForServersUp(2);
  Senders senders(4, stream_id_, site_.session_token, [this] { return ConnectToEdge(); });
  senders.WaitForMore(40);
  servers_[0]->Signal(SIGKILL);
  servers_[0]->Wait();
  const absl::Time killed = absl::Now();
  senders.WaitForMore(40);
  RecordProperty("stall_ms", static_cast<int>(absl::ToInt64Milliseconds(absl::Now() - killed)));
  WaitForServersUp(1);
  senders.WaitForMore(40);
  senders.Stop();
  // What a call is told whose server dies under it: devices try all of these again.
  EXPECT_THAT(senders.failures(),
              ::testing::IsSubsetOf({absl::StatusCode::kUnavailable, absl::StatusCode::kCancelled,
                                     absl::StatusCode::kInternal, absl::StatusCode::kUnknown}));
  senders.ExpectAllStored(database_);
}

// A server that is told to stop says so; the edge sends nobody there any more.
TEST_F(EdgeTest, AServerThatDrainsIsLeftAlone) {
  WaitForServersUp(2);
  Senders senders(2, stream_id_, site_.session_token, [this] { return ConnectToEdge(); });
  senders.WaitForMore(20);
  servers_[1]->Signal(SIGTERM);
  EXPECT_EQ(servers_[1]->Wait(), 0) << servers_[1]->log();
  senders.WaitForMore(20);
  senders.Stop();
  senders.ExpectAllStored(database_);
}

TEST_F(EdgeTest, OnlyTheContractPasses) {
  WaitForServersUp(2);
  const auto channel = ConnectToEdge();
  EXPECT_THAT(GetInfo(channel), IsOk());
  EXPECT_EQ(Health(channel), -1) << "health is not for strangers";
}

}  // namespace
}  // namespace tidemark::server
