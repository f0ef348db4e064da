// The end of sd_notify(3) that systemd holds.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>

#include "base/ids.h"

namespace tidemark::server {

class NotifySocket {
 public:
  // In the file system, or in the abstract namespace, where names begin with '@'.
  explicit NotifySocket(bool is_abstract)
      : name_((is_abstract ? "@tm_notify_"
                           : (std::filesystem::temp_directory_path() / "tm_notify_").string()) +
              Uuid::MakeRandom().ToString()),
        socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name_.data(), name_.size());
    if (is_abstract) address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    const timeval patience{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~NotifySocket() {
    ::close(socket_);
    if (name_[0] != '@') ::unlink(name_.c_str());
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  const std::string& name() const { return name_; }

  // What is told next; empty when nothing comes.
  std::string Next() {
    char buffer[512];
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
  }

 private:
  const std::string name_;
  const int socket_;
};

}  // namespace tidemark::server
