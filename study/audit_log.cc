#include "study/audit_log.h"

#include <charconv>
#include <utility>

#include "base/audit_chain.h"
#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/page.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr int kLinksPerReadMax = 500;
constexpr int kRootsPerReadMax = 8;

absl::StatusOr<v1::AuditLink> LinkOfRow(store::KeyStore& keys, const pqxx::row& row) {
  TM_ASSIGN_OR_RETURN(const AuditChainLink chained, AuditLinkOfRow(row));
  v1::AuditLink link;
  link.set_subject(chained.subject.ToString());
  link.set_seq(chained.seq);
  link.set_prev_hash(chained.prev_hash);
  link.set_body_hash(chained.body_hash);
  link.set_version(static_cast<uint32_t>(chained.version));
  *link.mutable_recorded_at() = TimestampOfUs(chained.recorded_at_us);
  // Nobody but a tamperer takes a body away: an erasure destroys its key.
  if (row["body"].is_null()) return link;
  link.set_erased(true);
  auto body =
      OpenAuditBody(keys, chained.subject, chained.study_id, chained.seq, db::BytesOf(row["body"]));
  // A body that was tampered with is shown as it is: the check of its hash tells.
  if (absl::IsDataLoss(body.status())) {
    link.set_erased(false);
    link.set_body(db::BytesOf(row["body"]));
    return link;
  }
  if (!body.ok()) return body.status();
  if (*body) {
    link.set_erased(false);
    link.set_body(**body);
  }
  return link;
}

absl::StatusOr<std::vector<v1::AuditLink>> LinksOf(store::KeyStore& keys,
                                                   const pqxx::result& rows) {
  std::vector<v1::AuditLink> links;
  for (const pqxx::row& row : rows) {
    TM_ASSIGN_OR_RETURN(links.emplace_back(), LinkOfRow(keys, row));
  }
  return links;
}

absl::StatusOr<Uuid> SubjectOf(db::Transaction& tx, const Call& call,
                               const v1::ListAuditRequest& request) {
  if (request.participant_id().empty()) return call.study_id.uuid;
  TM_ASSIGN_OR_RETURN(const ParticipantId participant,
                      ParseId<ParticipantId>("participant_id", request.participant_id()));
  // Also after an erasure: the chain stays, and says of which study it is.
  const pqxx::result tail = tx.Exec(sql::kFindAuditTail, participant.ToString());
  if (tail.empty() || tail[0]["study_id"].as<std::string>() != call.study_id.ToString()) {
    return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                      "no evidence of such a participant");
  }
  return participant.uuid;
}

}  // namespace

absl::StatusOr<v1::ListAuditResponse> AuditLog::List(const Call& call,
                                                     const v1::ListAuditRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.AuditService/ListAudit",
                                 request.page_size(), request.page_token()));
  int64_t after = 0;
  std::from_chars(page.cursor().data(), page.cursor().data() + page.cursor().size(), after);
  return db::Transact(
      *context_.pool, "ListAudit", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListAuditResponse> {
        TM_ASSIGN_OR_RETURN(const Uuid subject, SubjectOf(tx, call, request));
        TM_ASSIGN_OR_RETURN(
            std::vector<v1::AuditLink> links,
            LinksOf(*context_.keys, tx.Exec(sql::kListAuditOfSubject, subject.ToString(), after,
                                            page.rows_to_ask())));
        const int count = static_cast<int>(links.size());
        v1::ListAuditResponse response;
        for (int i = 0; i < page.RowsOf(count); ++i) {
          *response.add_links() = std::move(links[static_cast<size_t>(i)]);
        }
        if (page.HasNext(count)) {
          response.set_next_page_token(
              page.TokenAfter(std::to_string(response.links().rbegin()->seq())));
        }
        return response;
      });
}

absl::StatusOr<std::vector<v1::AuditLink>> AuditLog::LinksAfter(const Call& call,
                                                                AuditCursor& cursor) const {
  return db::Transact(
      *context_.pool, "ExportAudit", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<std::vector<v1::AuditLink>> {
        const pqxx::result rows = tx.Exec(sql::kListAuditOfStudy, call.study_id.ToString(),
                                          cursor.subject.ToString(), cursor.seq, kLinksPerReadMax);
        TM_ASSIGN_OR_RETURN(std::vector<v1::AuditLink> links, LinksOf(*context_.keys, rows));
        if (!links.empty()) {
          TM_ASSIGN_OR_RETURN(cursor.subject, Uuid::Parse(links.back().subject()));
          cursor.seq = links.back().seq();
        }
        return links;
      });
}

absl::StatusOr<std::vector<v1::AuditRoot>> AuditLog::RootsAfter(const Call& call,
                                                                int64_t& number) const {
  const int64_t after = number;
  return db::Transact(
      *context_.pool, "ExportAudit", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<std::vector<v1::AuditRoot>> {
        std::vector<v1::AuditRoot> roots;
        for (const pqxx::row& row :
             tx.Exec(sql::kListAuditRoots, call.study_id.ToString(), after, kRootsPerReadMax)) {
          v1::AuditRoot& root = roots.emplace_back();
          if (!root.ParseFromString(db::BytesOf(row["heads"]))) {
            return absl::DataLossError("a signed root cannot be read");
          }
          root.set_utc_day(row["utc_day"].as<int32_t>());
          root.set_signature(db::BytesOf(row["signature"]));
          root.set_key_id(row["key_id"].as<std::string>());
          number = row["number"].as<int64_t>();
        }
        return roots;
      });
}

absl::Status AuditLog::RecordExport(const Call& call, const std::string& request_id) const {
  TM_ASSIGN_OR_RETURN(const Uuid id, ParseId<Uuid>("request_id", request_id));
  return db::RunInTransaction(*context_.pool, "ExportAudit", call.scope, call.deadline,
                              [&](db::Transaction& tx) {
                                return AppendAudit(tx, *context_.keys, *context_.clock,
                                                   {call.study_id.uuid,
                                                    call.study_id,
                                                    "audit.export",
                                                    call.principal_id,
                                                    {{"request", id.ToString()}}});
                              });
}

}  // namespace tidemark::study
