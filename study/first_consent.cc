#include "study/first_consent.h"

#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/fields.h"
#include "study/participant_rows.h"

namespace tidemark::study {

absl::StatusOr<FirstConsent> ReadFirstConsent(const std::string& prefix,
                                              const google::protobuf::RepeatedField<int>& kinds,
                                              const std::string& document,
                                              std::optional<int64_t> from_ns) {
  FirstConsent consent{{}, document, from_ns};
  for (const int kind : kinds) {
    const auto value = static_cast<v1::DataKind>(kind);
    if (!v1::DataKind_IsValid(kind) || kind == 0 || consent.kinds.Contains(value)) {
      return rpc::FieldError(prefix + "consented", "has known kinds, each once");
    }
    consent.kinds.Add(value);
  }
  if (!consent.kinds.IsEmpty()) TM_RETURN_IF_ERROR(CheckLabel(prefix + "document", document));
  return consent;
}

absl::Status InsertFirstConsent(db::Transaction& tx, store::KeyStore& keys,
                                ParticipantId participant, StudyId study, const FirstConsent& first,
                                PrincipalId by, int64_t now_us) {
  absl::Status status;
  first.kinds.ForEach([&](v1::DataKind kind) {
    if (!status.ok()) return;
    v1::Consent consent;
    consent.set_data_kind(kind);
    consent.set_decision(v1::CONSENT_DECISION_GRANTED);
    consent.set_valid_from_ns(first.from_ns.value_or(now_us * kNsPerUs));
    consent.set_document(first.document);
    status = InsertConsent(tx, keys, participant, study, consent, by, now_us).status();
  });
  return status;
}

}  // namespace tidemark::study
