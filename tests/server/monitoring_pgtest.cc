// Prometheus for real: it scrapes a server, loads the rules, and answers what the dashboard asks.
// Skipped where prometheus is not installed.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "server/files.h"
#include "tests/server/daemon.h"
#include "tests/server/free_port.h"
#include "tests/server/http_question.h"
#include "tests/server/senders.h"

namespace tidemark::server {
namespace {

using ::testing::IsEmpty;

std::string DeployFile(const std::string& path) {
  const char* source = std::getenv("TIDEMARK_SOURCE_DIR");
  return std::filesystem::absolute((source != nullptr ? std::string(source) + "/" : "") +
                                   "deploy/" + path);
}

std::string UrlEncoded(const std::string& text) {
  std::string encoded;
  for (const unsigned char c : text) encoded += fmt::format("%{:02x}", c);
  return encoded;
}

void ReplaceAll(std::string& text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

class MonitoringTest : public ServerFixture {
 protected:
  void SetUp() override {
    if (access("/usr/bin/prometheus", X_OK) != 0) GTEST_SKIP() << "prometheus is not installed";
    ServerFixture::SetUp();
    site_ = MakeSite("monitoring");
    DeclareAcc(site_, stream_id_);
    StartPrometheus();
  }
  Config MakeConfig() const override {
    Config config = ServerFixture::MakeConfig();
    config.metrics_listen = "127.0.0.1:0";
    config.database_disk = "/";
    return config;
  }

  // With deploy/prometheus/prometheus.yml, but for where the server is and how often it is asked.
  void StartPrometheus() {
    std::string config = *ReadWholeFile(DeployFile("prometheus/prometheus.yml"));
    ReplaceAll(config, "15s", "1s");
    ReplaceAll(config, "127.0.0.1:7421", fmt::format("127.0.0.1:{}", server_->metrics_port()));
    ReplaceAll(config, "tidemark.rules.yml", DeployFile("prometheus/tidemark.rules.yml"));
    std::ofstream(folder_.File("prometheus.yml")) << config;
    port_ = FreePort();
    prometheus_ = std::make_unique<Daemon>(
        Daemon::Other{{"/usr/bin/prometheus", "--config.file=" + folder_.File("prometheus.yml"),
                       "--storage.tsdb.path=" + folder_.File("tsdb"),
                       fmt::format("--web.listen-address=127.0.0.1:{}", port_)}},
        std::vector<std::string>{});
    ASSERT_TRUE(prometheus_->WaitForLog("Server is ready")) << prometheus_->log();
  }
  nlohmann::json Get(const std::string& path) const {
    return nlohmann::json::parse(AskHttp(port_, path).body, nullptr, false);
  }
  nlohmann::json Query(const std::string& expression) const {
    return Get("/api/v1/query?query=" + UrlEncoded(expression));
  }
  // Two scrapes at least: rates need them.
  void WaitForScrapes() const {
    const std::string twice = "count_over_time(up{job=\"tidemark\"}[1m]) >= 3";
    while (Query(twice)["data"]["result"].empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  Site site_;
  const StreamId stream_id_ = StreamId::MakeV7();
  int port_ = 0;
  std::unique_ptr<Daemon> prometheus_;
};

TEST_F(MonitoringTest, RulesAndDashboardAskForWhatThereIs) {
  Senders senders(1, stream_id_, site_.session_token, [this] { return channel_; });
  senders.WaitForMore(5);
  WaitForScrapes();
  senders.Stop();

  EXPECT_EQ(Query("up{job=\"tidemark\"}")["data"]["result"][0]["value"][1], "1");
  const nlohmann::json groups = Get("/api/v1/rules")["data"]["groups"];
  ASSERT_EQ(groups.size(), 1u);
  size_t alerts = 0;
  for (const nlohmann::json& rule : groups[0]["rules"]) {
    ++alerts;
    EXPECT_THAT(rule.value("lastError", ""), IsEmpty()) << rule["name"];
    EXPECT_NE(rule["state"], "firing") << rule["name"];
  }
  EXPECT_GT(alerts, 15u);

  // What has no value in a server that is well, or runs no sealer.
  const std::set<std::string> silent = {"Refusals by reason", "Errors by class",
                                        "Days until the disk is full"};
  const auto dashboard = nlohmann::json::parse(*ReadWholeFile(DeployFile("grafana/tidemark.json")));
  for (const nlohmann::json& panel : dashboard["panels"]) {
    for (const nlohmann::json& target : panel.value("targets", nlohmann::json::array())) {
      std::string expression = target["expr"];
      ReplaceAll(expression, "$__rate_interval", "1m");
      ReplaceAll(expression, "$instance", ".*");
      const nlohmann::json answer = Query(expression);
      EXPECT_EQ(answer.value("status", ""), "success") << expression << answer.dump();
      if (silent.contains(panel["title"])) continue;
      EXPECT_FALSE(answer["data"]["result"].empty()) << panel["title"] << ": " << expression;
    }
  }
}

}  // namespace
}  // namespace tidemark::server
