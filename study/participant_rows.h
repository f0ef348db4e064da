// Rows of participants and of their consent, as the parts of study/ share them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "store/consent.h"
#include "store/key_store.h"
#include "tidemark/v1/participant.pb.h"

namespace tidemark::study {

struct ParticipantRow {
  v1::Participant participant;
  int64_t state_since_us = 0;
  std::optional<std::string> sealed_attributes;
};
// Kept from changing until the transaction ends. NOT_FOUND if there is none.
absl::StatusOr<ParticipantRow> LockParticipant(db::Transaction& tx, ParticipantId participant);

void SetParticipantState(db::Transaction& tx, ParticipantId participant, v1::ParticipantState state,
                         int64_t now_us);

// Attributes are sealed with the participant's key for text.
//   FAILED_PRECONDITION  the key was destroyed
absl::StatusOr<std::string> SealAttributes(store::KeyStore& keys, ParticipantId participant,
                                           const v1::Attributes& attributes);
absl::StatusOr<v1::Attributes> OpenAttributes(store::KeyStore& keys, ParticipantId participant,
                                              const std::string& sealed);
// INVALID_ARGUMENT naming a field below `prefix` ("attributes").
absl::Status CheckAttributes(const std::string& prefix, const v1::Attributes& attributes);

// Adds the next version of a decision; the transaction has locked the participant. The name of the
// document is sealed with the participant's key for text.
//   FAILED_PRECONDITION  the key was destroyed
absl::StatusOr<v1::Consent> InsertConsent(db::Transaction& tx, store::KeyStore& keys,
                                          ParticipantId participant, StudyId study,
                                          const v1::Consent& consent, PrincipalId by,
                                          int64_t now_us);
// All of them, by kind and version. Decisions from before documents were sealed have none here.
absl::StatusOr<std::vector<v1::Consent>> FindConsents(db::Transaction& tx, store::KeyStore& keys,
                                                      ParticipantId participant);
// The same without what was signed, which takes no key.
std::vector<v1::Consent> FindDecisions(db::Transaction& tx, ParticipantId participant);
// What they amount to.
store::ConsentTimeline TimelineOf(const std::vector<v1::Consent>& consents);
// Per kind, the newest decision whose range contains the instant.
std::vector<v1::Consent> ConsentsAt(const std::vector<v1::Consent>& all, int64_t at_ns);

}  // namespace tidemark::study
