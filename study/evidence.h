// Where the evidence of an act belongs that is not about one study or one of its participants.
//
// An act about a person or a program stands in the chain of every study where it has a role: their
// auditors have to know. Who has none, such as an operator, is left to the installation, which has
// a chain of its own. What operators do with the installation as a whole stands in both, the chain
// of the installation and those of all studies (docs/adr/0021).
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "study/call.h"
#include "study/context.h"

namespace tidemark::study {

// Stands where the evidence has a study. It is none, so that nothing can be made in it; the one
// role that there is in it is auditor, given by operators.
inline constexpr StudyId kInstallation{
    Uuid{{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x01}}};

using EvidenceDetails = std::map<std::string, std::string>;

// Each of these widens the scope of the transaction to the chains that it adds to.

// In the chain of one study, or of the installation.
absl::Status RecordInStudy(db::Transaction& tx, const Context& context, PrincipalId actor,
                           StudyId study, const std::string& action,
                           const EvidenceDetails& details);

// About a person or a program that exists, in the chains that it belongs to now: before its roles
// are taken away.
absl::Status RecordAboutPrincipal(db::Transaction& tx, const Context& context, PrincipalId actor,
                                  PrincipalId about, const std::string& action,
                                  const EvidenceDetails& details);

// About the installation as a whole: in its chain and in those of all studies.
absl::Status RecordEverywhere(db::Transaction& tx, const Context& context, PrincipalId actor,
                              const std::string& action, const EvidenceDetails& details);

// For a transaction that records in several studies before it records everywhere: keeps it from a
// deadlock with others who record everywhere, from its first link on.
absl::Status LockEveryStudyChain(db::Transaction& tx);

// Begins the chain of the installation, if it has no link yet, with who operates it: the first
// operator is made before there is a key to seal evidence with. Called at the start of a server;
// whatever is recorded there before does the same first.
absl::Status BeginInstallationEvidence(const Context& context, absl::Time deadline);

}  // namespace tidemark::study
