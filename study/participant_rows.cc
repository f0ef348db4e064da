#include "study/participant_rows.h"

#include <map>

#include "base/endian.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "store/envelope.h"
#include "study/fields.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr char kAttributesTable[] = "participant.attributes";
constexpr char kDocumentTable[] = "consent.document";

store::EnvelopePlace PlaceOf(ParticipantId participant) {
  return {kAttributesTable, participant, ""};
}

// What tells a decision from the others of the participant.
std::string KeyOfDecision(v1::DataKind kind, uint32_t version) {
  std::string key;
  AppendLe(key, static_cast<int32_t>(kind));
  AppendLe(key, version);
  return key;
}

absl::StatusOr<std::string> SealDocument(store::KeyStore& keys, ParticipantId participant,
                                         const v1::Consent& consent) {
  TM_ASSIGN_OR_RETURN(const store::DataKey key, keys.KeyForWriting(participant, StreamId{}, 0));
  const std::string decision = KeyOfDecision(consent.data_kind(), consent.version());
  return store::SealEnvelope(key, {kDocumentTable, participant, decision},
                             store::EnvelopeCodec::kPlain, consent.document());
}

absl::StatusOr<std::string> OpenDocument(store::KeyStore& keys, ParticipantId participant,
                                         const v1::Consent& consent, std::string_view sealed) {
  const std::string decision = KeyOfDecision(consent.data_kind(), consent.version());
  TM_ASSIGN_OR_RETURN(
      store::OpenedEnvelope opened,
      store::OpenEnvelope(keys, {kDocumentTable, participant, decision}, StreamId{}, sealed));
  return std::move(opened.plain);
}

v1::Consent DecisionOfRow(const pqxx::row& row) {
  v1::Consent consent;
  consent.set_data_kind(static_cast<v1::DataKind>(row["data_kind"].as<int>()));
  consent.set_version(row["version"].as<uint32_t>());
  consent.set_decision(static_cast<v1::ConsentDecision>(row["decision"].as<int>()));
  consent.set_valid_from_ns(row["valid_from_ns"].as<int64_t>());
  if (!row["valid_until_ns"].is_null()) {
    consent.set_valid_until_ns(row["valid_until_ns"].as<int64_t>());
  }
  *consent.mutable_recorded_at() = TimestampOfUs(row["recorded_at_us"].as<int64_t>());
  return consent;
}

struct Bounds {
  const char* field;
  uint32_t value;
  uint32_t least;
  uint32_t most;
  const char* rule;
};

}  // namespace

absl::StatusOr<ParticipantRow> LockParticipant(db::Transaction& tx, ParticipantId participant) {
  const pqxx::result rows = tx.Exec(sql::kLockParticipant, participant.ToString());
  if (rows.empty()) {
    return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                      "no such participant");
  }
  const pqxx::row row = rows[0];
  ParticipantRow found;
  found.participant.set_participant_id(row["participant_id"].as<std::string>());
  found.participant.set_study_id(row["study_id"].as<std::string>());
  found.participant.set_code(row["code"].as<std::string>());
  found.participant.set_state(static_cast<v1::ParticipantState>(row["state"].as<int>()));
  *found.participant.mutable_created_at() = TimestampOfUs(row["created_at_us"].as<int64_t>());
  found.state_since_us = row["state_since_us"].as<int64_t>();
  if (!row["attributes"].is_null()) found.sealed_attributes = db::BytesOf(row["attributes"]);
  return found;
}

void SetParticipantState(db::Transaction& tx, ParticipantId participant, v1::ParticipantState state,
                         int64_t now_us) {
  tx.Exec(sql::kSetParticipantState, participant.ToString(), static_cast<int>(state), now_us);
}

absl::StatusOr<std::string> SealAttributes(store::KeyStore& keys, ParticipantId participant,
                                           const v1::Attributes& attributes) {
  TM_ASSIGN_OR_RETURN(const store::DataKey key, keys.KeyForWriting(participant, StreamId{}, 0));
  return store::SealEnvelope(key, PlaceOf(participant), store::EnvelopeCodec::kPlain,
                             attributes.SerializeAsString());
}

absl::StatusOr<v1::Attributes> OpenAttributes(store::KeyStore& keys, ParticipantId participant,
                                              const std::string& sealed) {
  TM_ASSIGN_OR_RETURN(const store::OpenedEnvelope opened,
                      store::OpenEnvelope(keys, PlaceOf(participant), StreamId{}, sealed));
  v1::Attributes attributes;
  if (!attributes.ParseFromString(opened.plain)) {
    return absl::DataLossError("the attributes of a participant cannot be read");
  }
  return attributes;
}

absl::Status CheckAttributes(const std::string& prefix, const v1::Attributes& attributes) {
  const auto wrong = [&](const char* field, const char* rule) {
    return rpc::FieldError(prefix + "." + field, rule);
  };
  if (attributes.has_age_from() != attributes.has_age_to()) {
    return wrong("age_from", "stands with age_to, or not at all");
  }
  if (attributes.age_from() > attributes.age_to() || attributes.age_to() > 120) {
    return wrong("age_to", "is from age_from to 120");
  }
  if (!v1::Sex_IsValid(attributes.sex())) return wrong("sex", "is a known value");
  if (!v1::Handedness_IsValid(attributes.handedness())) {
    return wrong("handedness", "is a known value");
  }
  for (const Bounds& bounds :
       {Bounds{"skin_tone_monk", attributes.skin_tone_monk(), 1, 10, "is from 1 to 10, or 0"},
        Bounds{"skin_type_fitzpatrick", attributes.skin_type_fitzpatrick(), 1, 6,
               "is from 1 to 6, or 0"},
        Bounds{"height_cm", attributes.height_cm(), 50, 250, "is from 50 to 250, or 0"},
        Bounds{"wrist_mm", attributes.wrist_mm(), 80, 300, "is from 80 to 300, or 0"}}) {
    if (bounds.value != 0 && (bounds.value < bounds.least || bounds.value > bounds.most)) {
      return wrong(bounds.field, bounds.rule);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Consent> InsertConsent(db::Transaction& tx, store::KeyStore& keys,
                                          ParticipantId participant, StudyId study,
                                          const v1::Consent& consent, PrincipalId by,
                                          int64_t now_us) {
  const int kind = consent.data_kind();
  v1::Consent made = consent;
  made.set_version(
      tx.Exec(sql::kNextConsentVersion, participant.ToString(), kind)[0][0].as<uint32_t>());
  *made.mutable_recorded_at() = TimestampOfUs(now_us);
  TM_ASSIGN_OR_RETURN(const std::string sealed, SealDocument(keys, participant, made));
  std::optional<int64_t> valid_until_ns;
  if (consent.has_valid_until_ns()) valid_until_ns = consent.valid_until_ns();
  tx.Exec(sql::kInsertConsent, participant.ToString(), kind, made.version(), study.ToString(),
          static_cast<int>(consent.decision()), consent.valid_from_ns(), valid_until_ns,
          db::Bytea(sealed), by.ToString(), now_us);
  return made;
}

absl::StatusOr<std::vector<v1::Consent>> FindConsents(db::Transaction& tx, store::KeyStore& keys,
                                                      ParticipantId participant) {
  std::vector<v1::Consent> consents;
  for (const pqxx::row& row : tx.Exec(sql::kFindConsents, participant.ToString())) {
    v1::Consent& consent = consents.emplace_back(DecisionOfRow(row));
    if (row["document"].is_null()) continue;
    TM_ASSIGN_OR_RETURN(*consent.mutable_document(),
                        OpenDocument(keys, participant, consent, db::BytesOf(row["document"])));
  }
  return consents;
}

std::vector<v1::Consent> FindDecisions(db::Transaction& tx, ParticipantId participant) {
  const pqxx::result rows = tx.Exec(sql::kFindConsents, participant.ToString());
  std::vector<v1::Consent> decisions;
  decisions.reserve(static_cast<size_t>(rows.size()));
  for (const pqxx::row& row : rows) {
    decisions.push_back(DecisionOfRow(row));
  }
  return decisions;
}

store::ConsentTimeline TimelineOf(const std::vector<v1::Consent>& consents) {
  std::vector<store::ConsentDecision> decisions;
  for (const v1::Consent& consent : consents) {
    store::ConsentDecision& decision = decisions.emplace_back();
    decision.kind = consent.data_kind();
    decision.version = consent.version();
    decision.granted = consent.decision() == v1::CONSENT_DECISION_GRANTED;
    decision.from_ns = consent.valid_from_ns();
    if (consent.has_valid_until_ns()) decision.until_ns = consent.valid_until_ns();
  }
  return store::ConsentTimeline(decisions);
}

std::vector<v1::Consent> ConsentsAt(const std::vector<v1::Consent>& all, int64_t at_ns) {
  std::map<int, const v1::Consent*> newest;
  for (const v1::Consent& consent : all) {
    if (consent.valid_from_ns() > at_ns) continue;
    if (consent.has_valid_until_ns() && consent.valid_until_ns() <= at_ns) continue;
    const v1::Consent*& known = newest[consent.data_kind()];
    if (known == nullptr || known->version() < consent.version()) known = &consent;
  }
  std::vector<v1::Consent> now;
  for (const auto& [kind, consent] : newest) now.push_back(*consent);
  return now;
}

}  // namespace tidemark::study
