// What monitoring and load balancers ask, over HTTP on a port of its own:
//
//   GET /metrics  all metrics, in Prometheus' text format 0.0.4
//   GET /ready    200 while the server as a whole is serving, 503 otherwise
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "base/metrics/registry.h"

namespace httplib {
class Server;
}

namespace tidemark::server {

// Answers from two threads of its own, one request per connection, until destroyed.
class MetricsPage {
 public:
  // `listen` is host:port; port 0 takes a free one. `is_ready` answers from memory. The registry
  // outlives the page.
  //   UNAVAILABLE  the address cannot be listened on
  static absl::StatusOr<std::unique_ptr<MetricsPage>> Start(const std::string& listen,
                                                            const metrics::Registry& registry,
                                                            std::function<bool()> is_ready);
  ~MetricsPage();

  int port() const { return port_; }

 private:
  MetricsPage(const metrics::Registry& registry, std::function<bool()> is_ready);
  bool Bind(const std::string& listen);

  const std::unique_ptr<httplib::Server> http_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace tidemark::server
