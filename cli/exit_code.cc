#include "cli/exit_code.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"
#include "base/rpc/reason.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

// Marks a status of our own making, so that a server's code with the same number is not mistaken.
constexpr char kPartialMark[] = "tidemark.cli/partial";
constexpr char kSetAsideMark[] = "tidemark.cli/set-aside";
constexpr char kReaderGoneMark[] = "tidemark.cli/reader-gone";

absl::Status MarkedError(const std::string& message, const char* mark) {
  absl::Status status = absl::UnknownError(message);
  status.SetPayload(mark, absl::Cord());
  return status;
}

// Files and folders of this machine: what no server can help with.
std::string LocalHint(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
      return "who runs this command needs the right to that file or folder";
    case absl::StatusCode::kResourceExhausted:
      return "this machine is at a limit of its own: free what the message names, and repeat";
    default:
      return "";
  }
}

}  // namespace

absl::Status UsageError(std::string message) {
  return absl::InvalidArgumentError(std::move(message));
}

absl::Status PartialError(std::string message) {
  return MarkedError(std::move(message), kPartialMark);
}

absl::Status SetAsideError(std::string message) {
  return MarkedError(std::move(message), kSetAsideMark);
}

absl::Status ReaderGone() { return MarkedError("nobody reads stdout any more", kReaderGoneMark); }

bool IsReaderGone(const absl::Status& status) {
  return status.GetPayload(kReaderGoneMark).has_value();
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.GetPayload(kPartialMark).has_value()) return kExitPartial;
  if (status.GetPayload(kSetAsideMark).has_value()) return kExitSetAside;
  if (IsReaderGone(status)) return kExitReaderGone;
  if (ingest::IsOnThisMachine(status)) {
    return absl::IsNotFound(status) ? kExitNotFound : kExitFailure;
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitUsage;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kExitAuth;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return kExitConflict;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return kExitUnavailable;
    case absl::StatusCode::kDataLoss:
      return kExitDamaged;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitFailure;
  }
}

std::string HintFor(const absl::Status& status, std::string_view server) {
  if (rpc::ReasonOf(status) == v1::ERROR_REASON_DEVICE_REVOKED) {
    return "the device was revoked; its data stays in its folder: ask the study's manager";
  }
  if (ingest::IsOnThisMachine(status)) return LocalHint(status);
  switch (ExitCodeOf(status)) {
    case kExitUnavailable:
      return fmt::format("is tidemarkd running at {}? try: tidemark doctor", server);
    case kExitAuth:
      return "say --token-file FILE with a token that may do this (operators make studies and "
             "managers, managers do the rest)";
    default:
      return "";
  }
}

std::string_view ExitCodesHelp() {
  return R"(Exit codes

    0  done
    1  failed for another reason, such as a file of this machine or a full disk under stdout; the
       line on stderr says which
    2  usage: an option or a value breaks its rule; an enrolment or sign-in code that does not hold
    3  not found
    4  no token or key, a wrong one, or not permitted
    5  conflict: it exists already, or its state forbids it
    6  partly done: what was not done stands on stderr
    7  the server is unavailable or overloaded; the same command may succeed later
    8  data is damaged: it is not what was sent or stored; stderr says which
    9  done, and the server set some of it aside: see tidemark quarantine list
  130  interrupted
  141  whoever read stdout left before the end
)";
}

}  // namespace tidemark::cli
