#include "study/audit_roots.h"

#include <vector>

#include "base/audit_roots.h"
#include "base/db/transaction.h"
#include "base/rpc/audit_messages.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/evidence.h"
#include "study/fields.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr int64_t kUsPerUtcDay = int64_t{86'400} * 1'000'000;

absl::StatusOr<std::vector<StudyId>> ListUnsigned(const Context& context, int32_t utc_day,
                                                  absl::Time deadline) {
  return db::Transact(*context.pool, "ListUnsignedStudies", db::AccessScope::None(), deadline,
                      [&](db::Transaction& tx) -> absl::StatusOr<std::vector<StudyId>> {
                        // The installation is no study; where it is signed already, that shows
                        // later.
                        std::vector<StudyId> studies = {kInstallation};
                        for (const pqxx::row& row : tx.Exec(sql::kListUnsignedStudies, utc_day)) {
                          TM_ASSIGN_OR_RETURN(studies.emplace_back(),
                                              StudyId::Parse(row[0].c_str()));
                        }
                        return studies;
                      });
}

// Signs one study in one transaction, a bounded number of chains at a time.
class RootSigning {
 public:
  RootSigning(const Context& context, const SigningKey& key, const std::string& key_id,
              StudyId study, int heads_per_root)
      : key_(key),
        key_id_(key_id),
        study_(study),
        heads_per_root_(heads_per_root),
        now_us_(NowUs(*context.clock)),
        utc_day_(static_cast<int32_t>(now_us_ / kUsPerUtcDay)) {}

  absl::Status Run(db::Transaction& tx) {
    // Servers that sign at once take turns, and the second finds the root of the first.
    tx.Exec(sql::kLockAuditRoots, study_.ToString());
    if (!tx.Exec(sql::kFindAuditRootOfDay, study_.ToString(), utc_day_).empty()) {
      return absl::OkStatus();
    }
    AuditRootEnd end = FindEnd(tx);
    std::string after = Uuid().ToString();
    for (bool more = true; more;) {
      v1::AuditRoot root;
      root.set_utc_day(utc_day_);
      rpc::AddAuditHead(HeadOfRootBefore(end), root);
      const pqxx::result tails =
          tx.Exec(sql::kListAuditHeads, study_.ToString(), after, heads_per_root_);
      if (tails.empty()) break;
      for (const pqxx::row& row : tails) {
        TM_ASSIGN_OR_RETURN(const AuditChainLink link, AuditLinkOfRow(row));
        rpc::AddAuditHead({link.subject, link.seq, AuditLinkHash(link)}, root);
        after = link.subject.ToString();
      }
      TM_ASSIGN_OR_RETURN(end, Insert(tx, end.number + 1, std::move(root)));
      more = tails.size() == static_cast<size_t>(heads_per_root_);
    }
    return absl::OkStatus();
  }

 private:
  // Of the newest root there is, computed from what it says. One that somebody made unreadable is
  // named by a hash that nothing has: signing goes on, and whoever verifies is told.
  AuditRootEnd FindEnd(db::Transaction& tx) const {
    const pqxx::result rows = tx.Exec(sql::kFindNewestAuditRoot, study_.ToString());
    if (rows.empty()) return {};
    const auto number = rows[0]["number"].as<int64_t>();
    v1::AuditRoot root;
    const bool is_readable = root.ParseFromString(db::BytesOf(rows[0]["heads"]));
    root.set_utc_day(rows[0]["utc_day"].as<int32_t>());
    const absl::StatusOr<AuditRootContent> content = rpc::RootContentOf(root);
    if (!is_readable || !content.ok()) return {.number = number, .hash = {}};
    return EndOfRoot(study_.uuid, number, *content);
  }

  absl::StatusOr<AuditRootEnd> Insert(db::Transaction& tx, int64_t number,
                                      v1::AuditRoot root) const {
    TM_ASSIGN_OR_RETURN(const AuditRootContent content, rpc::RootContentOf(root));
    const std::string signature = key_.Sign(AuditRootMessage(study_.uuid, utc_day_, content.heads));
    root.clear_utc_day();
    tx.Exec(sql::kInsertAuditRoot, study_.ToString(), number, utc_day_, db::Bytea(signature),
            key_id_, db::Bytea(root.SerializeAsString()), now_us_);
    return EndOfRoot(study_.uuid, number, content);
  }

  const SigningKey& key_;
  const std::string& key_id_;
  const StudyId study_;
  const int heads_per_root_;
  const int64_t now_us_;
  const int32_t utc_day_;
};

}  // namespace

absl::Status SignAuditRoots(const Context& context, const SigningKey& key,
                            const std::string& key_id, absl::Time deadline, int heads_per_root) {
  const auto utc_day = static_cast<int32_t>(NowUs(*context.clock) / kUsPerUtcDay);
  TM_ASSIGN_OR_RETURN(const std::vector<StudyId> studies, ListUnsigned(context, utc_day, deadline));
  absl::Status last;
  for (const StudyId study : studies) {
    RootSigning signing(context, key, key_id, study, heads_per_root);
    const absl::Status ran =
        db::RunInTransaction(*context.pool, "SignAuditRoot", db::AccessScope::Study(study),
                             deadline, [&](db::Transaction& tx) { return signing.Run(tx); });
    if (!ran.ok())
      last = ran;  // what is wrong with one study does not keep others from being signed
  }
  return last;
}

}  // namespace tidemark::study
