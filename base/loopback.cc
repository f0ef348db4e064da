#include "base/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>

namespace tidemark {
namespace {

constexpr uint32_t kLoopbackNetwork = 127;

// inet_pton takes four decimal numbers and nothing around them, unlike inet_aton.
bool IsLoopbackIpv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
         ntohl(address.s_addr) >> 24 == kLoopbackNetwork;
}

}  // namespace

bool IsLoopbackAddress(std::string_view host_and_port) {
  const size_t colon = host_and_port.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view port = host_and_port.substr(colon + 1);
  const bool has_port = !port.empty() && std::all_of(port.begin(), port.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
  if (!has_port) return false;
  const std::string host(host_and_port.substr(0, colon));
  // A zero byte would end the text for the C library and not for us.
  if (host.find('\0') != std::string::npos) return false;
  return host == "localhost" || host == "[::1]" || IsLoopbackIpv4(host);
}

}  // namespace tidemark
