#include "server/metrics_page.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <utility>

namespace tidemark::server {
namespace {

constexpr char kContentType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr size_t kPageThreads = 2;
constexpr size_t kRequestBytesMax = 4 << 10;
constexpr time_t kPatienceSeconds = 5;

// The library would let two servers share a port without a word.
void TakePortAlone(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

// "[::1]" is "::1" to the resolver.
std::string HostOfAddress(const std::string& listen) {
  std::string host = listen.substr(0, listen.rfind(':'));
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

MetricsPage::MetricsPage(const metrics::Registry& registry, std::function<bool()> is_ready)
    : http_(std::make_unique<httplib::Server>()) {
  http_->new_task_queue = [] { return new httplib::ThreadPool(kPageThreads); };
  http_->set_socket_options(TakePortAlone);
  // An idle connection would hold one of the threads.
  http_->set_keep_alive_max_count(1);
  http_->set_read_timeout(kPatienceSeconds);
  http_->set_write_timeout(kPatienceSeconds);
  http_->set_payload_max_length(kRequestBytesMax);
  http_->Get("/metrics", [&registry](const httplib::Request&, httplib::Response& response) {
    response.set_content(registry.Text(), kContentType);
  });
  http_->Get("/ready", [is_ready = std::move(is_ready)](const httplib::Request&,
                                                        httplib::Response& response) {
    const bool ready = is_ready();
    response.status = ready ? 200 : 503;
    response.set_content(ready ? "ready\n" : "not ready\n", "text/plain");
  });
}

bool MetricsPage::Bind(const std::string& listen) {
  const std::string host = HostOfAddress(listen);
  const int wanted = std::stoi(listen.substr(listen.rfind(':') + 1));
  if (wanted == 0) {
    port_ = http_->bind_to_any_port(host);
    return port_ > 0;
  }
  port_ = wanted;
  return http_->bind_to_port(host, wanted);
}

absl::StatusOr<std::unique_ptr<MetricsPage>> MetricsPage::Start(const std::string& listen,
                                                                const metrics::Registry& registry,
                                                                std::function<bool()> is_ready) {
  std::unique_ptr<MetricsPage> page(new MetricsPage(registry, std::move(is_ready)));
  if (!page->Bind(listen)) {
    return absl::UnavailableError(fmt::format("cannot listen on {} for metrics", listen));
  }
  page->thread_ = std::thread([http = page->http_.get()] { http->listen_after_bind(); });
  // Before it runs, it cannot be stopped.
  while (!page->http_->is_running()) std::this_thread::yield();
  return page;
}

MetricsPage::~MetricsPage() {
  if (!thread_.joinable()) return;
  http_->stop();
  thread_.join();
}

}  // namespace tidemark::server
