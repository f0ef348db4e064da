#include "ingest/client/receipt_policy.h"

#include <fmt/format.h>

#include <string_view>

namespace tidemark::ingest {
namespace {

std::string WithoutPrefix(std::string_view name, std::string_view prefix) {
  return std::string(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

// The key may be missing only where the server could not read the body.
bool NamesChunk(const v1::ReceiptStatement& statement, const ChunkRef& ref) {
  if (statement.stream_id().empty() && statement.writer_id().empty()) return true;
  return statement.stream_id() == ref.stream_id.AsBytes() &&
         statement.writer_id() == ref.writer_id.AsBytes() && statement.number() == ref.number;
}

bool IsCommitted(v1::Outcome outcome) {
  return outcome == v1::OUTCOME_STORED || outcome == v1::OUTCOME_DUPLICATE ||
         outcome == v1::OUTCOME_QUARANTINED;
}

// The only reason that a person of the study has to end.
constexpr char kConsentRemedy[] =
    ": nobody recorded yet whether the participant agrees to this kind of data; a manager does so "
    "by "
    "`tidemark participant consent`";

ReceiptDecision Leave(std::string why) { return {Disposition::kLeave, {}, std::move(why)}; }

ReceiptDecision OnMayDelete(const v1::ReceiptStatement& statement, bool accept_unsafe_durability) {
  if (!IsCommitted(statement.outcome())) {
    return Leave("the receipt allows deletion of what was not committed");
  }
  const bool durable = statement.durability() == v1::DURABILITY_LOCAL ||
                       statement.durability() == v1::DURABILITY_REPLICATED;
  const bool unsafe = statement.durability() == v1::DURABILITY_UNSAFE;
  if (!durable && !(unsafe && accept_unsafe_durability)) {
    return Leave("the server runs without durability: a crash may lose what it acknowledged");
  }
  return {Disposition::kDelete, {}, {}};
}

}  // namespace

ReceiptDecision Decide(const v1::ReceiptStatement& statement, const ChunkRef& ref,
                       const DeviceId& device_id, int resends, bool accept_unsafe_durability) {
  if (statement.version() != 1) return Leave("the receipt has an unknown version");
  if (statement.device_id() != device_id.AsBytes()) return Leave("a receipt of another device");
  if (!NamesChunk(statement, ref)) return Leave("the receipt names another chunk");
  switch (statement.device_action()) {
    case v1::DEVICE_ACTION_MAY_DELETE:
      return OnMayDelete(statement, accept_unsafe_durability);
    case v1::DEVICE_ACTION_RESEND:
      if (resends + 1 < kResendAnswersMax) return {Disposition::kResend, {}, {}};
      return {Disposition::kKeep,
              {},
              fmt::format("{} after {} attempts", Describe(statement), kResendAnswersMax)};
    case v1::DEVICE_ACTION_RETRY_AFTER:
      return {Disposition::kWait,
              statement.retry_after_ms() > 0 ? absl::Milliseconds(statement.retry_after_ms())
                                             : kRetryAfterDefault,
              {}};
    case v1::DEVICE_ACTION_KEEP_AND_REPORT:
      return {Disposition::kKeep, {}, Describe(statement)};
    case v1::DEVICE_ACTION_STOP_AND_DELETE:
      return {Disposition::kStopAndDelete, {}, {}};
    default:
      return Leave("the receipt asks for something unknown");
  }
}

std::string Describe(const v1::ReceiptStatement& statement) {
  const std::string outcome = WithoutPrefix(v1::Outcome_Name(statement.outcome()), "OUTCOME_");
  if (statement.reason() == v1::RECEIPT_REASON_UNSPECIFIED) return outcome;
  std::string text =
      outcome + " " + WithoutPrefix(v1::ReceiptReason_Name(statement.reason()), "RECEIPT_REASON_");
  if (statement.reason() == v1::RECEIPT_REASON_CONSENT_UNDECIDED) text += kConsentRemedy;
  return text;
}

}  // namespace tidemark::ingest
