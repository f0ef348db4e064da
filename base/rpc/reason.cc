#include "base/rpc/reason.h"

#include <google/protobuf/message_lite.h>

#include <utility>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace tidemark::rpc {
namespace {

constexpr char kDomain[] = "tidemark.v1";

// The type URL that packs a detail into google.protobuf.Any; also the name of its payload.
template <class Detail>
std::string TypeUrl() {
  return "type.googleapis.com/" + Detail::descriptor()->full_name();
}

template <class Detail>
void Attach(absl::Status& status, const Detail& detail) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <class Detail>
std::optional<Detail> Find(const absl::Status& status) {
  const auto payload = status.GetPayload(TypeUrl<Detail>());
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

}  // namespace

absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, std::string message) {
  absl::Status status(code, std::move(message));
  google::rpc::ErrorInfo info;
  info.set_reason(v1::ErrorReason_Name(reason));
  info.set_domain(kDomain);
  Attach(status, info);
  return status;
}

absl::Status FieldError(std::string field, std::string rule) {
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_FIELD_INVALID,
                              field + ": " + rule);
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field(std::move(field));
  violation->set_description(std::move(rule));
  Attach(status, bad_request);
  return status;
}

absl::Status WithRetry(absl::Status status, absl::Duration delay) {
  google::rpc::RetryInfo info;
  const int64_t delay_ns = absl::ToInt64Nanoseconds(delay);
  info.mutable_retry_delay()->set_seconds(delay_ns / 1'000'000'000);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay_ns % 1'000'000'000));
  Attach(status, info);
  return status;
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  const auto info = Find<google::rpc::ErrorInfo>(status);
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (info && info->domain() == kDomain) v1::ErrorReason_Parse(info->reason(), &reason);
  return reason;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const auto info = Find<google::rpc::RetryInfo>(status);
  if (!info) return std::nullopt;
  return absl::Seconds(info->retry_delay().seconds()) +
         absl::Nanoseconds(info->retry_delay().nanos());
}

}  // namespace tidemark::rpc
