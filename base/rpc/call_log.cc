#include "base/rpc/call_log.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/time/clock.h"
#include "base/rpc/call_metrics.h"
#include "base/rpc/error.h"
#include "base/rpc/guard.h"
#include "tidemark/v1/authz.pb.h"

namespace tidemark::rpc {
namespace {

constexpr char kCallerPayload[] = "tidemark.rpc/caller";
constexpr char kRequestIdMetadata[] = "tidemark-request-id";

// version 00: 00-<trace id, 32>-<parent id, 16>-<flags, 2>
constexpr size_t kTraceparentChars = 55;
constexpr size_t kTraceIdBegin = 3;
constexpr size_t kTraceIdChars = 32;

// Differ within the process by the counter, and between processes by where it starts. Nobody is
// kept from guessing one: they open nothing.
uint64_t NextNumber() {
  static std::atomic<uint64_t> counter = [] {
    std::random_device random;
    return uint64_t{random()} << 32 | random();
  }();
  uint64_t number = counter.fetch_add(0x9E3779B97F4A7C15ull, std::memory_order_relaxed);
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9ull;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EBull;
  return number ^ (number >> 31);
}

bool IsLowerHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The trace id of a well-formed traceparent, else nothing: what a client sends is not copied into
// the log unless it is a number.
std::string_view TraceIdOf(std::string_view traceparent) {
  if (traceparent.size() != kTraceparentChars || traceparent.substr(0, 3) != "00-" ||
      traceparent[35] != '-' || traceparent[52] != '-') {
    return {};
  }
  const std::string_view trace_id = traceparent.substr(kTraceIdBegin, kTraceIdChars);
  const bool is_id = IsLowerHex(trace_id) && IsLowerHex(traceparent.substr(36, 16)) &&
                     IsLowerHex(traceparent.substr(53, 2)) &&
                     trace_id.find_first_not_of('0') != std::string_view::npos;
  return is_id ? trace_id : std::string_view();
}

std::string_view NameOf(CallerKind kind) {
  switch (kind) {
    case CallerKind::kAnonymous:
      return "anonymous";
    case CallerKind::kDevice:
      return "device";
    case CallerKind::kOperator:
      return "operator";
    case CallerKind::kStaff:
      return "staff";
    case CallerKind::kService:
      return "service";
  }
  return "anonymous";
}

// From the option of the method: "/tidemark.v1.X/Y" is tidemark.v1.X.Y to the descriptors.
std::string PermissionOf(std::string_view method) {
  std::string name(method.substr(std::min<size_t>(1, method.size())));
  std::replace(name.begin(), name.end(), '/', '.');
  const auto* found = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  return found == nullptr ? "" : found->options().GetExtension(v1::authz).permission();
}

LogLevel LevelOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kCancelled:
      return LogLevel::kDebug;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnavailable:
      return LogLevel::kWarning;
    default:
      return LogLevel::kInfo;
  }
}

std::array<LogField, 2> Fields(CallIds ids) {
  return {LogField{"request_id", std::move(ids.request_id)},
          LogField{"trace_id", std::move(ids.trace_id)}};
}

// "<kind> <tag>", as WithCaller wrote it.
std::string CallerOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kCallerPayload);
  return payload ? std::string(*payload) : std::string(NameOf(CallerKind::kAnonymous));
}

}  // namespace

CallIds MakeCallIds(const grpc::ServerContextBase& context) {
  CallIds ids;
  ids.request_id = fmt::format("{:016x}", NextNumber());
  const auto [begin, end] = context.client_metadata().equal_range("traceparent");
  if (begin != end && std::next(begin) == end) {
    ids.trace_id = TraceIdOf({begin->second.data(), begin->second.size()});
  }
  if (ids.trace_id.empty())
    ids.trace_id = fmt::format("{:016x}{:016x}", NextNumber(), NextNumber());
  return ids;
}

absl::Status WithCaller(absl::Status status, const Authorizer& authorizer, const Caller& caller) {
  if (status.ok() || status.GetPayload(kCallerPayload)) return status;
  status.SetPayload(kCallerPayload, absl::Cord(fmt::format("{} {}", NameOf(caller.kind),
                                                           authorizer.LogTag(caller))));
  return status;
}

CallLog::CallLog(std::string_view method, grpc::ServerContextBase* context)
    : method_(method),
      context_(context),
      begin_(absl::Now()),
      ids_(Fields(MakeCallIds(*context))) {}

grpc::Status CallLog::End(const absl::Status& status) const {
  const LogScope scope(ids_);
  grpc::Status shown = ToGrpc(status);
  if (!shown.ok()) context_->AddTrailingMetadata(kRequestIdMetadata, ids_[0].value);
  const v1::ErrorReason reason = ReasonOf(shown);
  CallMetrics::OfProcess().CountEnd(status.code(), reason);
  const LogLevel level = LevelOf(status);
  if (!IsLogged(level)) return shown;
  const std::string caller = CallerOf(status);
  const size_t space = std::min(caller.find(' '), caller.size());
  std::vector<LogField> fields = {
      {"method", std::string(method_)},
      {"permission", PermissionOf(method_)},
      {"caller", caller.substr(0, space)},
      {"outcome", absl::StatusCodeToString(status.code())},
      {"duration_ms", fmt::format("{:.3f}", absl::ToDoubleMilliseconds(absl::Now() - begin_))}};
  if (!status.ok()) fields.push_back({"reason", v1::ErrorReason_Name(reason)});
  if (space + 1 < caller.size()) fields.push_back({"tag", caller.substr(space + 1)});
  LogLine(level, "call", fields);
  return shown;
}

}  // namespace tidemark::rpc
