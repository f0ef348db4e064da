#include "study/evidence.h"

#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "study/audit.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

absl::Status AppendTo(db::Transaction& tx, const Context& context, PrincipalId actor, StudyId study,
                      const std::string& action, const EvidenceDetails& details) {
  return AppendAudit(tx, *context.keys, *context.clock,
                     {study.uuid, study, action, actor, details});
}

bool HasLinks(db::Transaction& tx) {
  return !tx.Exec(sql::kFindAuditTail, kInstallation.ToString()).empty();
}

// One of those who would begin the chain does it.
absl::Status BeginInstallation(db::Transaction& tx, const Context& context) {
  tx.SetScope(db::AccessScope::Study(kInstallation));
  if (HasLinks(tx)) return absl::OkStatus();
  LockAuditSubjects(tx, std::span(&kInstallation.uuid, 1));
  if (HasLinks(tx)) return absl::OkStatus();
  for (const pqxx::row& row : tx.Exec(sql::kFindOperator)) {
    TM_RETURN_IF_ERROR(AppendTo(tx, context, PrincipalId{}, kInstallation, "operator.bootstrap",
                                {{"principal", row["principal_id"].as<std::string>()}}));
  }
  return absl::OkStatus();
}

void LockChains(db::Transaction& tx, const std::set<StudyId>& chains) {
  std::vector<Uuid> subjects;
  for (const StudyId chain : chains) subjects.push_back(chain.uuid);
  LockAuditSubjects(tx, subjects);
}

absl::Status RecordInChains(db::Transaction& tx, const Context& context, PrincipalId actor,
                            const std::set<StudyId>& chains, const std::string& action,
                            const EvidenceDetails& details) {
  LockChains(tx, chains);
  for (const StudyId chain : chains) {
    TM_RETURN_IF_ERROR(RecordInStudy(tx, context, actor, chain, action, details));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::set<StudyId>> StudiesOf(const pqxx::result& rows) {
  std::set<StudyId> studies;
  for (const pqxx::row& row : rows) {
    TM_ASSIGN_OR_RETURN(const StudyId study, StudyId::Parse(row["study_id"].c_str()));
    studies.insert(study);
  }
  return studies;
}

absl::StatusOr<std::set<StudyId>> EveryChain(db::Transaction& tx) {
  TM_ASSIGN_OR_RETURN(std::set<StudyId> chains, StudiesOf(tx.Exec(sql::kListStudyIds)));
  chains.insert(kInstallation);
  return chains;
}

}  // namespace

absl::Status RecordInStudy(db::Transaction& tx, const Context& context, PrincipalId actor,
                           StudyId study, const std::string& action,
                           const EvidenceDetails& details) {
  if (study == kInstallation) TM_RETURN_IF_ERROR(BeginInstallation(tx, context));
  tx.SetScope(db::AccessScope::Study(study));
  return AppendTo(tx, context, actor, study, action, details);
}

absl::Status RecordAboutPrincipal(db::Transaction& tx, const Context& context, PrincipalId actor,
                                  PrincipalId about, const std::string& action,
                                  const EvidenceDetails& details) {
  TM_ASSIGN_OR_RETURN(std::set<StudyId> chains,
                      StudiesOf(tx.Exec(sql::kFindGrants, about.ToString())));
  if (chains.empty()) chains.insert(kInstallation);
  EvidenceDetails all = details;
  all.emplace("principal", about.ToString());
  return RecordInChains(tx, context, actor, chains, action, all);
}

absl::Status LockEveryStudyChain(db::Transaction& tx) {
  TM_ASSIGN_OR_RETURN(const std::set<StudyId> chains, EveryChain(tx));
  LockChains(tx, chains);
  return absl::OkStatus();
}

absl::Status RecordEverywhere(db::Transaction& tx, const Context& context, PrincipalId actor,
                              const std::string& action, const EvidenceDetails& details) {
  TM_ASSIGN_OR_RETURN(const std::set<StudyId> chains, EveryChain(tx));
  return RecordInChains(tx, context, actor, chains, action, details);
}

absl::Status BeginInstallationEvidence(const Context& context, absl::Time deadline) {
  return db::RunInTransaction(*context.pool, "BeginInstallationEvidence",
                              db::AccessScope::Study(kInstallation), deadline,
                              [&](db::Transaction& tx) { return BeginInstallation(tx, context); });
}

}  // namespace tidemark::study
