#include "ingest/classify.h"

namespace tidemark::ingest {
namespace {

// Why an acceptable body cannot have a number that is settled.
SetAside ReasonOfSettled(const NumberFacts& facts) {
  if (facts.stored) {
    return {v1::RECEIPT_REASON_CONFLICT, "another body is stored under this number"};
  }
  if (facts.quarantined) {
    return {v1::RECEIPT_REASON_CONFLICT, "another body of this number is in quarantine"};
  }
  return {v1::RECEIPT_REASON_ABANDONED, "the device gave this number up"};
}

}  // namespace

Classified Classify(const Decision& decision, const NumberFacts& facts,
                    std::optional<v1::ReceiptReason> before) {
  if (facts.stored && facts.stored_sha256 == decision.sha256) return {.fate = Fate::kDuplicate};
  if (const auto* refusal = std::get_if<Refusal>(&decision.what)) {
    if (before) return {.fate = Fate::kAlreadySetAside, .reason = *before};
    // Not even a conflict is a reason to keep its bytes. A number that is settled stays what it is.
    return {.fate = Fate::kRefuse,
            .reason = refusal->reason,
            .settles_number = !facts.settled() && !facts.refused && facts.own_outbox};
  }
  const SetAside* broken = std::get_if<SetAside>(&decision.what);
  if (broken == nullptr && !facts.settled()) return {.fate = Fate::kStore};
  if (before) return {.fate = Fate::kAlreadySetAside, .reason = *before};
  const SetAside why = broken != nullptr ? *broken : ReasonOfSettled(facts);
  return {Fate::kSetAside, why.reason, why.detail, !facts.settled() && facts.own_outbox};
}

}  // namespace tidemark::ingest
