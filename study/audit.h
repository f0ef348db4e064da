// Evidence of what people and devices did: an append-only chain per participant or study.
//
// The chain (base/audit_chain.h) is over hashes of bodies, so that a body can be erased and the
// chain still holds. Bodies are sealed, those about a participant with the participant's own key.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/audit_chain.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "store/key_store.h"

namespace tidemark::study {

struct AuditEntry {
  Uuid subject;        // a participant, or a study
  StudyId study_id;    // of the participant, or the same study again
  std::string action;  // the permission used: "device.revoke"
  PrincipalId actor;
  std::map<std::string, std::string> details;  // never secrets, never payload
};

// Adds a link in the transaction of what it tells about. The transaction's scope must contain the
// subject. Transactions about the same subject wait for each other from here on, as long as they
// take, so this comes last in a transaction that does much.
//   FAILED_PRECONDITION  the participant's key was destroyed
absl::Status AppendAudit(db::Transaction& tx, store::KeyStore& keys, const Clock& clock,
                         const AuditEntry& entry);
// The same, by the machine's clock.
absl::Status AppendAudit(db::Transaction& tx, store::KeyStore& keys, const AuditEntry& entry);

// Makes others who record about these subjects wait until the transaction ends. Locks of several
// subjects are taken in the order of their ids, by everybody, so that no two transactions wait for
// each other: a transaction that records about several either does so in that order, or calls this
// before with all of them.
void LockAuditSubjects(db::Transaction& tx, std::span<const Uuid> subjects);

// From a row with the columns of a link, recorded_at_us and link_version.
absl::StatusOr<AuditChainLink> AuditLinkOfRow(const pqxx::row& row);

// The body of a link, if it can still be read; nothing once its key was destroyed.
//   DATA_LOSS  altered, or moved from another place
absl::StatusOr<std::optional<std::string>> OpenAuditBody(store::KeyStore& keys, const Uuid& subject,
                                                         const Uuid& study, int64_t seq,
                                                         std::string_view sealed);

}  // namespace tidemark::study
