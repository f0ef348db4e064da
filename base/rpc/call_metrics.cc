#include "base/rpc/call_metrics.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace tidemark::rpc {
namespace {

constexpr int kStatusCodes = 17;  // 0 to 16, as gRPC has them

// Whoever called did not prove who it is.
bool IsAuthentication(absl::StatusCode code, v1::ErrorReason reason) {
  return code == absl::StatusCode::kUnauthenticated ||
         reason == v1::ERROR_REASON_ENROLMENT_CODE_INVALID ||
         reason == v1::ERROR_REASON_SIGN_IN_CODE_INVALID;
}

std::string InLowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<std::string> StatusWords() {
  std::vector<std::string> words;
  for (int code = 0; code < kStatusCodes; ++code) {
    words.push_back(InLowerCase(absl::StatusCodeToString(static_cast<absl::StatusCode>(code))));
  }
  return words;
}

// "overloaded" for ERROR_REASON_OVERLOADED.
std::vector<std::string> ReasonWords() {
  constexpr size_t kPrefixChars = sizeof("ERROR_REASON_") - 1;
  std::vector<std::string> words;
  for (int reason = 0; reason < v1::ErrorReason_ARRAYSIZE; ++reason) {
    const std::string name = v1::ErrorReason_Name(static_cast<v1::ErrorReason>(reason));
    words.push_back(InLowerCase(name.substr(std::min(kPrefixChars, name.size()))));
  }
  return words;
}

}  // namespace

CallMetrics::CallMetrics(metrics::Registry& registry)
    : calls(registry.AddCounters(
          {"tidemark_calls_total", "Calls that ended, unary and streaming, by their status."},
          "status", StatusWords())),
      refusals(registry.AddCounters({"tidemark_refusals_total",
                                     "Calls that were refused, by the reason that they were told."},
                                    "reason", ReasonWords())),
      authentication_failures(registry.AddCounter(
          {"tidemark_authentication_failures_total",
           "Calls with a missing, wrong, expired or revoked credential, code or proof."})) {}

CallMetrics& CallMetrics::OfProcess() {
  static CallMetrics& metrics = *new CallMetrics(metrics::Registry::OfProcess());
  return metrics;
}

void CallMetrics::CountEnd(absl::StatusCode code, v1::ErrorReason reason) {
  const auto status = static_cast<size_t>(code);
  calls[status < calls.size() ? status : static_cast<size_t>(absl::StatusCode::kUnknown)].Add();
  if (code == absl::StatusCode::kOk) return;
  const auto why = static_cast<size_t>(reason);
  refusals[why < refusals.size() ? why : 0].Add();
  if (IsAuthentication(code, reason)) authentication_failures.Add();
}

}  // namespace tidemark::rpc
