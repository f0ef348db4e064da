// What systemd is told of this process: sd_notify(3), without its library.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace tidemark::server {

// Thread-safe. Without NOTIFY_SOCKET in the environment nobody is told anything.
class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment.
  // Before any thread exists.
  static ServiceManager FromEnvironment();

  // Serving from now on.
  void Ready() const { Tell("READY=1\nSTATUS=serving"); }
  void Stopping() const { Tell("STOPPING=1\nSTATUS=ending calls"); }
  // Alive. Within `watchdog()` of the last time, or the process is killed and started again.
  void KeepAlive() const {
    if (watchdog_) Tell("WATCHDOG=1");
  }

  // Nothing if nobody watches this process.
  std::optional<absl::Duration> watchdog() const { return watchdog_; }

 private:
  ServiceManager(std::string socket_path, std::optional<absl::Duration> watchdog)
      : socket_path_(std::move(socket_path)), watchdog_(watchdog) {}
  void Tell(std::string_view words) const;

  const std::string socket_path_;
  const std::optional<absl::Duration> watchdog_;
};

}  // namespace tidemark::server
