#include "server/metrics_page.h"

#include <gmock/gmock.h>

#include <atomic>

#include "tests/server/http_question.h"
#include "tests/support/status_matchers.h"

namespace tidemark::server {
namespace {

using support::StatusIs;
using ::testing::HasSubstr;

class MetricsPageTest : public ::testing::Test {
 protected:
  std::unique_ptr<MetricsPage> Open(const std::string& listen = "127.0.0.1:0") {
    auto page = MetricsPage::Start(listen, registry_, [this] { return ready_.load(); });
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *std::move(page) : nullptr;
  }
  metrics::Registry registry_;
  std::atomic<bool> ready_ = true;
};

TEST_F(MetricsPageTest, ServesTheTextOfTheRegistry) {
  registry_.AddCounter({"tidemark_strokes_total", "Strokes."}).Add(7);
  const auto page = Open();
  const HttpAnswer answer = AskHttp(page->port(), "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_EQ(answer.body, registry_.Text());
  EXPECT_THAT(answer.body, HasSubstr("tidemark_strokes_total 7\n"));
}

TEST_F(MetricsPageTest, SaysWhetherTheServerIsReady) {
  const auto page = Open();
  EXPECT_EQ(AskHttp(page->port(), "/ready").status, 200);
  ready_ = false;
  EXPECT_EQ(AskHttp(page->port(), "/ready").status, 503);
  EXPECT_EQ(AskHttp(page->port(), "/metrics").status, 200);
}

TEST_F(MetricsPageTest, HasNothingElse) {
  const auto page = Open();
  EXPECT_EQ(AskHttp(page->port(), "/").status, 404);
  EXPECT_EQ(AskHttp(page->port(), "/metrics/../ready").status, 404);
}

TEST_F(MetricsPageTest, IdleConnectionsDoNotKeepItFromAnswering) {
  const auto page = Open();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(AskHttp(page->port(), "/ready").status, 200);
}

TEST_F(MetricsPageTest, TakenAddressIsRefused) {
  const auto first = Open();
  const std::string taken = "127.0.0.1:" + std::to_string(first->port());
  EXPECT_THAT(MetricsPage::Start(taken, registry_, [] { return true; }).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(taken)));
}

}  // namespace
}  // namespace tidemark::server
