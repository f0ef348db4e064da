#include "server/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/log.h"

namespace tidemark::server {
namespace {

std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value != nullptr ? value : "";
  unsetenv(name);
  return text;
}

std::optional<int64_t> WholeNumber(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

ServiceManager ServiceManager::FromEnvironment() {
  std::string socket_path = TakeVariable("NOTIFY_SOCKET");
  const std::optional<int64_t> watchdog_us = WholeNumber(TakeVariable("WATCHDOG_USEC"));
  const std::string watched = TakeVariable("WATCHDOG_PID");
  const bool is_us = watched.empty() || WholeNumber(watched) == getpid();
  std::optional<absl::Duration> watchdog;
  if (watchdog_us && *watchdog_us > 0 && is_us) watchdog = absl::Microseconds(*watchdog_us);
  return {std::move(socket_path), watchdog};
}

// One datagram. A path that begins with '@' is of the abstract namespace.
void ServiceManager::Tell(std::string_view words) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.empty() || socket_path_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const ssize_t sent = ::sendto(socket, words.data(), words.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), size);
  if (sent < 0) LogWarning("the service manager could not be told: {}", std::strerror(errno));
  ::close(socket);
}

}  // namespace tidemark::server
