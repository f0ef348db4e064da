#include "server/self_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <latch>

#include "tests/support/status_matchers.h"
#include "tidemark/v1/server.grpc.pb.h"

namespace tidemark::server {
namespace {

using ::testing::ElementsAre;

TEST(FailureCountTest, CountsThoseInARowWithinTheWindow) {
  FailureCount failures(3, absl::Seconds(15));
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_FALSE(failures.Fail(start));
  EXPECT_FALSE(failures.Fail(start + absl::Seconds(5)));
  EXPECT_TRUE(failures.Fail(start + absl::Seconds(15)));
  // From the beginning.
  EXPECT_FALSE(failures.Fail(start + absl::Seconds(16)));
  EXPECT_FALSE(failures.Fail(start + absl::Seconds(17)));
  failures.Succeed();
  EXPECT_FALSE(failures.Fail(start + absl::Seconds(18)));
  EXPECT_FALSE(failures.Fail(start + absl::Seconds(19)));
  // The two are old by now.
  EXPECT_FALSE(failures.Fail(start + absl::Seconds(40)));
}

TEST(SelfProbeTest, AddressOfItsOwn) {
  EXPECT_EQ(OwnAddress("127.0.0.1:0", 7), "127.0.0.1:7");
  EXPECT_EQ(OwnAddress("0.0.0.0:7420", 7420), "127.0.0.1:7420");
  EXPECT_EQ(OwnAddress("[::]:7420", 7420), "[::1]:7420");
  EXPECT_EQ(OwnAddress("[fd00::1]:1", 1), "[fd00::1]:1");
  EXPECT_EQ(OwnAddress("localhost:1", 1), "localhost:1");
}

// Answers in the order of a script, then for ever with its last entry.
class Script {
 public:
  explicit Script(std::deque<SelfAnswer> answers) : answers_(std::move(answers)) {}
  SelfAnswer Next() {
    const SelfAnswer next = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    return next;
  }

 private:
  std::deque<SelfAnswer> answers_;
};

TEST(SelfProbeTest, ThreeFailuresInARowAreDeathAndItIsToldOnce) {
  using enum SelfAnswer;
  Script script({kServing, kNone, kNone, kBusy, kNone, kNone, kNone});
  const ManualClock clock(absl::FromUnixSeconds(1'700'000'000));
  std::vector<SelfAnswer> heard;
  std::latch dead(1);
  {
    SelfProbe probe(
        {.pause = absl::Milliseconds(1), .on_dead = [&] { dead.count_down(); }}, clock,
        [&] { return script.Next(); }, [&](SelfAnswer answer) { heard.push_back(answer); });
    dead.wait();
  }
  EXPECT_THAT(heard, ElementsAre(kServing, kNone, kNone, kBusy, kNone, kNone, kNone));
}

// gRPC's own threads, as the servers that are asked below run them.
std::unique_ptr<grpc::Server> ServeOn(grpc::Service& service, int threads_max, int* port) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  grpc::ResourceQuota quota;
  builder.SetResourceQuota(quota.SetMaxThreads(threads_max));
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), port);
  builder.RegisterService(&service);
  return builder.BuildAndStart();
}

SelfAnswer Ask(int port, absl::Duration timeout) {
  return AskSelf(OwnAddress("127.0.0.1:0", port), OwnChannelCredentials(false), timeout);
}

// Its calls end when they are let go.
class StuckService final : public v1::ServerService::Service {
 public:
  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::GetServerInfoResponse*) override {
    let_go_.wait();
    return grpc::Status::OK;
  }
  void LetGo() { let_go_.count_down(); }

 private:
  std::latch let_go_{1};
};

TEST(AskSelfTest, ServerThatServesAnswers) {
  v1::ServerService::Service service;
  int port = 0;
  const auto server = ServeOn(service, 8, &port);
  EXPECT_EQ(Ask(port, absl::Seconds(20)), SelfAnswer::kServing);
}

TEST(AskSelfTest, ServerWithoutAFreeThreadIsBusy) {
  StuckService service;
  int port = 0;
  const auto server = ServeOn(service, 4, &port);
  const auto stub = v1::ServerService::NewStub(server->InProcessChannel({}));
  std::deque<grpc::ClientContext> contexts;
  std::deque<v1::GetServerInfoResponse> responses;
  std::latch refused(1);
  std::atomic<bool> has_refused = false;
  std::atomic<int> ended = 0;
  constexpr int kCalls = 16;
  const v1::GetServerInfoRequest request;
  for (int i = 0; i < kCalls; ++i) {
    stub->async()->GetServerInfo(&contexts.emplace_back(), &request, &responses.emplace_back(),
                                 [&](const grpc::Status& status) {
                                   // The first that is turned away shows that all threads are
                                   // taken.
                                   if (!status.ok() && !has_refused.exchange(true))
                                     refused.count_down();
                                   ++ended;
                                 });
  }
  refused.wait();
  EXPECT_EQ(Ask(port, absl::Seconds(20)), SelfAnswer::kBusy);
  service.LetGo();
  server->Shutdown();
  server->Wait();
  EXPECT_EQ(ended, kCalls);
}

// The kernel takes the connection for it; nobody ever speaks.
TEST(AskSelfTest, ListenerThatAcceptsNothingGivesNoAnswer) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener, generic, size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, generic, &size), 0);
  EXPECT_EQ(Ask(ntohs(address.sin_port), absl::Milliseconds(200)), SelfAnswer::kNone);
  close(listener);
  EXPECT_EQ(Ask(ntohs(address.sin_port), absl::Milliseconds(200)), SelfAnswer::kNone);
}

}  // namespace
}  // namespace tidemark::server
