// The program as an operator meets it: exit codes, signals, its log, its end when it is dead.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "server/files.h"
#include "tests/server/server_fixture.h"
#include "tests/server/server_questions.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using ::testing::HasSubstr;

std::string Program() {
  const char* folder = std::getenv("TIDEMARK_BINARY_DIR");
  return (folder != nullptr ? std::string(folder) : TIDEMARK_BINARY_DIR) + "/bin/tidemarkd";
}

// A running tidemarkd and what it has logged. Killed on destruction.
class Daemon {
 public:
  // `wrapper` stands before the program: a command that runs another one in its place.
  explicit Daemon(std::vector<std::string> args, std::vector<std::string> wrapper = {}) {
    wrapper.push_back(Program());
    args.insert(args.begin(), wrapper.begin(), wrapper.end());
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    log_pipe_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    EXPECT_EQ(posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  ~Daemon() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(log_pipe_);
  }

  // Reads the log until it holds `text`; false if it ended first.
  bool WaitForLog(const std::string& text) {
    while (log_.find(text) == std::string::npos) {
      if (!ReadSome()) return false;
    }
    return true;
  }
  void Signal(int signal) const { kill(pid_, signal); }
  // Its exit code, with the whole log read; -1 if a signal ended it.
  int Wait() {
    while (ReadSome()) continue;
    int state = 0;
    waitpid(pid_, &state, 0);
    pid_ = 0;
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  }
  const std::string& log() const { return log_; }

 private:
  bool ReadSome() {
    char buffer[4096];
    const ssize_t size = read(log_pipe_, buffer, sizeof buffer);
    if (size <= 0) return false;
    log_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  pid_t pid_ = 0;
  int log_pipe_ = -1;
  std::string log_;
};

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
