#include "base/rpc/error.h"

#include <string>
#include <string_view>

#include "absl/strings/cord.h"
#include "base/db/sql_error.h"
#include "base/log.h"
#include "google/rpc/status.pb.h"

namespace tidemark::rpc {
namespace {

constexpr std::string_view kDetailPrefix = "type.googleapis.com/google.rpc.";
constexpr absl::Duration kDefaultRetryDelay = absl::Seconds(1);

// What a status without a reason means to a client.
v1::ErrorReason DefaultReason(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return v1::ERROR_REASON_STORE_UNAVAILABLE;
    case absl::StatusCode::kResourceExhausted:
      return v1::ERROR_REASON_OVERLOADED;
    case absl::StatusCode::kInvalidArgument:
      return v1::ERROR_REASON_FIELD_INVALID;
    case absl::StatusCode::kUnauthenticated:
      return v1::ERROR_REASON_CREDENTIAL_INVALID;
    case absl::StatusCode::kPermissionDenied:
      return v1::ERROR_REASON_NOT_PERMITTED;
    case absl::StatusCode::kNotFound:
      return v1::ERROR_REASON_NOT_FOUND;
    case absl::StatusCode::kAlreadyExists:
      return v1::ERROR_REASON_ALREADY_EXISTS;
    case absl::StatusCode::kFailedPrecondition:
      return v1::ERROR_REASON_STATE_CONFLICT;
    default:
      return v1::ERROR_REASON_UNSPECIFIED;
  }
}

// The words for a failure that is the server's own: what the code promises, nothing of the inside.
std::string NeutralMessage(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return "the store cannot be reached; send again";
    case absl::StatusCode::kResourceExhausted:
      return "the server is at a limit; send again later";
    case absl::StatusCode::kAborted:
      return "a concurrent change came first; send again";
    case absl::StatusCode::kDeadlineExceeded:
      return "not done in the time allowed";
    case absl::StatusCode::kUnknown:
      return "it is not known whether it was done";
    case absl::StatusCode::kInvalidArgument:
      return "a value was refused";
    case absl::StatusCode::kAlreadyExists:
      return "it is taken by something different";
    case absl::StatusCode::kFailedPrecondition:
      return "the state of the object forbids it";
    default:
      return "internal error";
  }
}

// Messages of the server's inside name hosts, queries and constraints.
bool IsInside(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown) {
    return true;
  }
  if (ReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED) return false;
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsAborted(status) || absl::IsDeadlineExceeded(status) ||
         !db::SqlstateOf(status).empty();
}

bool MayComeAgainLater(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
         code == absl::StatusCode::kAborted;
}

// The status as the client may see it, with a reason.
absl::Status ForClient(const absl::Status& status) {
  absl::Status shown = status;
  if (absl::IsDataLoss(status)) LogError("stored data is damaged: {}", status.ToString());
  if (IsInside(status)) {
    LogWarning("call failed: {}", status.ToString());
    shown = absl::Status(status.code(), NeutralMessage(status.code()));
  }
  const v1::ErrorReason reason = DefaultReason(status.code());
  if (ReasonOf(shown) == v1::ERROR_REASON_UNSPECIFIED && reason != v1::ERROR_REASON_UNSPECIFIED) {
    shown = Error(status.code(), reason, std::string(shown.message()));
  }
  if (MayComeAgainLater(status.code()) && !RetryDelayOf(shown)) {
    shown = WithRetry(std::move(shown), RetryDelayOf(status).value_or(kDefaultRetryDelay));
  }
  return shown;
}

}  // namespace

v1::ErrorReason ReasonOf(const grpc::Status& status) { return ReasonOf(FromGrpc(status)); }

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const absl::Status shown = ForClient(status);
  const auto code = static_cast<grpc::StatusCode>(shown.code());
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(std::string(shown.message()));
  shown.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    if (std::string_view(type.data(), type.size()).substr(0, kDetailPrefix.size()) !=
        kDetailPrefix) {
      return;
    }
    auto* detail = details.add_details();
    detail->set_type_url(std::string(type));
    detail->set_value(std::string(payload));
  });
  return {code, details.message(), details.SerializeAsString()};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  for (const auto& detail : details.details()) {
    result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

}  // namespace tidemark::rpc
