// Which services can be used now, as grpc.health.v1 tells it.
#pragma once

#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/mutex.h"

namespace tidemark::server {

// A service is serving while the database answers, the database user of its role can use it, a
// thread for calls is free, and the server is not stopping. The server as a whole ("") is serving
// while each of its services is. Thread-safe.
class HealthBoard {
 public:
  // A probe that has not come back for so long counts as one that failed: a database that was
  // halted answers nothing at all.
  static constexpr std::chrono::seconds kAnswerMost{5};

  // Everything is taken to work. `shown`, where it is published, outlives Stop().
  HealthBoard(const std::set<std::string>& roles, grpc::HealthCheckServiceInterface* shown);

  // Around each probe of the database.
  void ProbeBegins() TM_EXCLUDES(mutex_);
  void ProbeEnds(bool answers, const std::set<std::string>& broken_roles) TM_EXCLUDES(mutex_);
  // Comes every second or so, and so notices a probe that does not end.
  void SetHandlersFree(bool free) TM_EXCLUDES(mutex_);
  // Not serving from now on, whatever is found.
  void Stop() TM_EXCLUDES(mutex_);

  // `service` is a full name, or "" for the whole.
  bool IsServing(const std::string& service) const TM_EXCLUDES(mutex_);

 private:
  using SteadyClock = std::chrono::steady_clock;
  void Publish() TM_REQUIRES(mutex_);
  void Show(const std::string& service, bool serving) TM_REQUIRES(mutex_);
  bool DatabaseAnswers() const TM_REQUIRES(mutex_);

  const std::map<std::string, std::string> role_of_service_;
  grpc::HealthCheckServiceInterface* const shown_;
  mutable Mutex mutex_;
  bool answers_ TM_GUARDED_BY(mutex_) = true;
  std::optional<SteadyClock::time_point> probe_began_ TM_GUARDED_BY(mutex_);
  std::set<std::string> broken_roles_ TM_GUARDED_BY(mutex_);
  bool handlers_are_free_ TM_GUARDED_BY(mutex_) = true;
  bool stopped_ TM_GUARDED_BY(mutex_) = false;
  std::map<std::string, bool> serving_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::server
