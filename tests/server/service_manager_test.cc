#include "server/service_manager.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/server/notify_socket.h"

namespace tidemark::server {
namespace {

class ServiceManagerTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
};

TEST_F(ServiceManagerTest, TellsWhatHappens) {
  for (const bool abstract : {false, true}) {
    NotifySocket socket(abstract);
    setenv("NOTIFY_SOCKET", socket.name().c_str(), 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    const ServiceManager manager = ServiceManager::FromEnvironment();
    EXPECT_EQ(manager.watchdog(), absl::Seconds(30));
    manager.Ready();
    EXPECT_EQ(socket.Next(), "READY=1\nSTATUS=serving");
    manager.KeepAlive();
    EXPECT_EQ(socket.Next(), "WATCHDOG=1");
    manager.Stopping();
    EXPECT_EQ(socket.Next(), "STOPPING=1\nSTATUS=ending calls");
    EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr) << "children would tell of themselves";
  }
}

TEST_F(ServiceManagerTest, WithoutOneNothingHappens) {
  const ServiceManager manager = ServiceManager::FromEnvironment();
  EXPECT_EQ(manager.watchdog(), std::nullopt);
  manager.Ready();
  manager.Stopping();
}

TEST_F(ServiceManagerTest, AWatchOfAnotherProcessIsNotOurs) {
  NotifySocket socket(false);
  for (const auto& [us, pid, watched] : {std::tuple("30000000", std::to_string(getpid()), true),
                                         {"30000000", std::to_string(getppid()), false},
                                         {"0", "", false},
                                         {"soon", "", false}}) {
    setenv("NOTIFY_SOCKET", socket.name().c_str(), 1);
    setenv("WATCHDOG_USEC", us, 1);
    if (!pid.empty()) setenv("WATCHDOG_PID", pid.c_str(), 1);
    const ServiceManager manager = ServiceManager::FromEnvironment();
    EXPECT_EQ(manager.watchdog().has_value(), watched) << us << " " << pid;
    manager.KeepAlive();
    manager.Ready();
    EXPECT_EQ(socket.Next(), watched ? "WATCHDOG=1" : "READY=1\nSTATUS=serving");
    if (watched) socket.Next();
  }
}

TEST_F(ServiceManagerTest, AManagerThatIsGoneHarmsNobody) {
  {
    NotifySocket socket(false);
    setenv("NOTIFY_SOCKET", socket.name().c_str(), 1);
  }
  ServiceManager::FromEnvironment().Ready();
  setenv("NOTIFY_SOCKET", std::string(200, 'x').c_str(), 1);
  ServiceManager::FromEnvironment().Ready();
}

}  // namespace
}  // namespace tidemark::server
