// One GET to this machine, written out, because the other end may be the library under test. Of
// HTTP/1.0, whose answers come in one piece and end with the connection.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace tidemark::server {

struct HttpAnswer {
  int status = 0;  // 0: none came
  std::string head;
  std::string body;
};

inline HttpAnswer AskHttp(int port, const std::string& path) {
  HttpAnswer answer;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const timeval patience{20, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
  std::string all;
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(socket, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char buffer[4096];
    for (ssize_t size; (size = recv(socket, buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<size_t>(size));
    }
  }
  close(socket);
  const size_t end = all.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  answer.head = all.substr(0, end);
  answer.body = all.substr(end + 4);
  answer.status = std::atoi(answer.head.c_str() + std::string("HTTP/1.x ").size());
  return answer;
}

// The number of a line of a page of metrics, such as `tidemark_calls_total{status="ok"}`; -1 when
// there is none.
inline double MetricOf(const std::string& page, const std::string& line) {
  const std::string begin = "\n" + line + " ";
  const size_t at = page.find(begin);
  return at == std::string::npos ? -1 : std::strtod(page.c_str() + at + begin.size(), nullptr);
}

}  // namespace tidemark::server
