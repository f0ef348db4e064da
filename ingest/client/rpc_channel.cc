#include "ingest/client/rpc_channel.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "base/loopback.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "ingest/client/durable_file.h"

namespace tidemark::ingest {
namespace {

constexpr size_t kCaFileBytesMax = size_t{1} << 20;
// An answer holds at most one block of samples, one quarantined body or one page.
constexpr int kAnswerBytesMax = 16 << 20;

// `target` as gRPC names it: a path, or an address with or without the scheme that says its kind.
bool IsThisMachine(std::string_view target) {
  if (target.starts_with("unix:")) return true;
  for (const std::string_view scheme : {"ipv4:", "ipv6:"}) {
    if (target.starts_with(scheme)) return IsLoopbackAddress(target.substr(scheme.size()));
  }
  return IsLoopbackAddress(target);
}

// gRPC takes a port modulo 65,536. Without one it has its own for TLS.
bool HasGoodPort(std::string_view target) {
  const size_t colon = target.rfind(':');
  if (target.starts_with("unix:") || colon == std::string_view::npos || target.ends_with(']')) {
    return true;
  }
  const std::string_view text = target.substr(colon + 1);
  if (text.starts_with('/')) return true;  // dns:///host
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const ServerAddress& address) {
  if (address.target.empty()) {
    return absl::InvalidArgumentError("server: is missing; say --server HOST:PORT");
  }
  if (!HasGoodPort(address.target)) {
    return absl::InvalidArgumentError(
        fmt::format("server: \"{}\" is not HOST:PORT with a port of 1 to 65535", address.target));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  // Channels of one process to one server are apart, so that devices do not share one connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (address.ca_file.empty() && IsThisMachine(address.target)) {
    // A proxy of the environment would carry the token to another machine after all.
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return grpc::CreateCustomChannel(address.target, grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::SslCredentialsOptions tls;
  if (!address.ca_file.empty()) {
    auto pem = ReadFile(address.ca_file, kCaFileBytesMax);
    if (!pem.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("tls-ca: {}", std::string(pem.status().message())));
    }
    tls.pem_root_certs = *std::move(pem);
  }
  return grpc::CreateCustomChannel(address.target, grpc::SslCredentials(tls), arguments);
}

void Prepare(grpc::ClientContext& context, const std::string& token, absl::Duration timeout) {
  if (timeout != absl::InfiniteDuration()) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  }
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kResourceExhausted:
      return true;
    // INGEST_REFUSED comes with a time; other preconditions do not heal by themselves.
    case absl::StatusCode::kFailedPrecondition:
      return rpc::RetryDelayOf(status).has_value();
    default:
      return false;
  }
}

}  // namespace tidemark::ingest
