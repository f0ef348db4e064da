// The program as an operator meets it: exit codes, signals, its log, its end when it is dead.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "server/files.h"
#include "tests/server/daemon.h"
#include "tests/server/http_question.h"
#include "tests/server/notify_socket.h"
#include "tests/server/server_fixture.h"
#include "tests/server/server_questions.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using ::testing::HasSubstr;

class ProcessTest : public ::testing::Test {
 protected:
  std::vector<std::string> Args(std::vector<std::string> more = {}) const {
    std::vector<std::string> args = {"--dsn",
                                     database_.SuperuserDsn(),
                                     "--keys",
                                     folder_.File("keys"),
                                     "--listen",
                                     "127.0.0.1:0",
                                     "--port-file",
                                     folder_.File("port"),
                                     "--unsafe-durability"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  int Port() const {
    const auto text = ReadWholeFile(folder_.File("port"));
    EXPECT_THAT(text, IsOk());
    return text.ok() ? std::stoi(*text) : 0;
  }
  std::shared_ptr<grpc::Channel> Connect() const {
    return grpc::CreateChannel(fmt::format("127.0.0.1:{}", Port()),
                               grpc::InsecureChannelCredentials());
  }

  const TemporaryFolder folder_;
  const support::TestDatabase database_;
};

TEST_F(ProcessTest, ServesUntilItIsToldToStop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Daemon daemon(Args());
    ASSERT_TRUE(daemon.WaitForLog("serves on port")) << daemon.log();
    EXPECT_THAT(GetInfo(Connect()), IsOk());
    daemon.Signal(signal);
    EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
    EXPECT_THAT(daemon.log(), HasSubstr(fmt::format("stopping on signal {}", signal)));
  }
}

TEST_F(ProcessTest, ExitCodesTellMisuseFromFailure) {
  Daemon misused({"--nonsense"});
  EXPECT_EQ(misused.Wait(), 2);
  EXPECT_THAT(misused.log(), HasSubstr("--nonsense"));
  Daemon failed({"--dsn", "host=/nonexistent dbname=t", "--keys", folder_.File("keys")});
  EXPECT_EQ(failed.Wait(), 1);
  EXPECT_THAT(failed.log(), HasSubstr("error"));
}

// Before anything is tried, and each with what to do.
TEST_F(ProcessTest, WrongSettingsAreAllNamedAtOnce) {
  Daemon misused(
      {"--dsn", "host=/run password=hunter2", "--listen", "0.0.0.0:1", "--metrics-listen",
       "nowhere", "--drain-seconds", "soon", "--tls-cert", "/nonexistent/cert.pem",
       "--database-disk", "/nonexistent", "--log-level", "loud"},
      {}, {"PGPASSWORD=hunter3"});
  EXPECT_EQ(misused.Wait(), 2);
  for (const char* fault :
       {"--dsn: holds a password", "PGPASSWORD", "--keys: is needed", "--listen: 0.0.0.0",
        "--metrics-listen: \"nowhere\"", "--drain-seconds: \"soon\"", "--tls-cert and --tls-key",
        "--tls-cert: cannot be read", "--database-disk: cannot be read", "--log-level: \"loud\""}) {
    EXPECT_THAT(misused.log(), HasSubstr(fault));
  }
  EXPECT_THAT(misused.log(), testing::Not(HasSubstr("hunter")));
}

TEST_F(ProcessTest, SystemdIsToldOfItsLife) {
  NotifySocket socket(false);
  Daemon daemon(Args(), {}, {"NOTIFY_SOCKET=" + socket.name(), "WATCHDOG_USEC=30000000"});
  EXPECT_EQ(socket.Next(), "READY=1\nSTATUS=serving");
  EXPECT_THAT(GetInfo(Connect()), IsOk()) << "ready means that it serves";
  EXPECT_EQ(socket.Next(), "WATCHDOG=1");
  EXPECT_EQ(socket.Next(), "WATCHDOG=1");
  daemon.Signal(SIGTERM);
  std::string last;
  for (std::string next; last.rfind("STOPPING=1", 0) != 0 && !(next = socket.Next()).empty();) {
    last = next;
  }
  EXPECT_EQ(last, "STOPPING=1\nSTATUS=ending calls");
  EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
}

TEST_F(ProcessTest, MetricsAreServedOnTheirOwnPort) {
  Daemon daemon(Args({"--metrics-listen", "127.0.0.1:0", "--database-disk", "/"}));
  ASSERT_TRUE(daemon.WaitForLog("metrics are on port ")) << daemon.log();
  while (daemon.log().back() != '\n') ASSERT_TRUE(daemon.WaitForLog("\n"));
  const size_t at = daemon.log().find("metrics are on port ") + 20;
  const int port = std::stoi(daemon.log().substr(at));
  EXPECT_EQ(AskHttp(port, "/ready").status, 200);
  EXPECT_THAT(GetInfo(Connect()), IsOk());
  const std::string page = AskHttp(port, "/metrics").body;
  EXPECT_EQ(MetricOf(page, "tidemark_serving{service=\"IngestService\"}"), 1);
  EXPECT_EQ(MetricOf(page, "tidemark_ingest_accepting"), 1);
  EXPECT_EQ(MetricOf(page, "tidemark_calls_total{status=\"ok\"}"), 1);
  EXPECT_GT(MetricOf(page, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(MetricOf(page, "tidemark_database_size_bytes"), 1 << 20);
  EXPECT_GT(MetricOf(page, "tidemark_database_free_bytes"), 0);
  EXPECT_EQ(MetricOf(page, "tidemark_database_connections_max{pool=\"tidemark-app\"}"), 8);
  EXPECT_EQ(MetricOf(page, "tidemark_jobs_open"), 0);
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0) << daemon.log();
}

// Idle connections take all descriptors: from then on gRPC accepts nobody, and would not even when
// they are given back.
TEST_F(ProcessTest, EndsWhenItCannotBeReachedAnyMore) {
  constexpr int kDescriptors = 128;
  Daemon daemon(Args(), {"prlimit", fmt::format("--nofile={}", kDescriptors), "--"});
  ASSERT_TRUE(daemon.WaitForLog("serves on port")) << daemon.log();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(Port()));
  std::vector<int> idle;
  for (int i = 0; i < 2 * kDescriptors; ++i) {
    idle.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connect(idle.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const absl::Time full = absl::Now();
  EXPECT_EQ(daemon.Wait(), 3) << daemon.log();
  EXPECT_LT(absl::Now() - full, absl::Seconds(15));
  EXPECT_THAT(daemon.log(), HasSubstr("does not answer on its own port"));
  for (const int socket : idle) close(socket);
}

}  // namespace
}  // namespace tidemark::server
