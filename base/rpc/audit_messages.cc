#include "base/rpc/audit_messages.h"

#include <algorithm>
#include <string>

namespace tidemark::rpc {
namespace {

absl::Status BadEvidence(const char* what) {
  return absl::DataLossError(std::string("the evidence holds ") + what + " that cannot be read");
}

}  // namespace

absl::StatusOr<AuditChainLink> ChainLinkOf(const Uuid& study, const v1::AuditLink& link) {
  const absl::StatusOr<Uuid> subject = Uuid::Parse(link.subject());
  if (!subject.ok()) return BadEvidence("a link");
  AuditChainLink chained;
  chained.subject = *subject;
  chained.seq = link.seq();
  chained.study_id = study;
  chained.prev_hash = link.prev_hash();
  chained.body_hash = link.body_hash();
  chained.recorded_at_us =
      link.recorded_at().seconds() * 1'000'000 + link.recorded_at().nanos() / 1'000;
  chained.version = static_cast<int>(link.version());
  return chained;
}

absl::StatusOr<AuditRootContent> RootContentOf(const v1::AuditRoot& root) {
  AuditRootContent content{.utc_day = root.utc_day(), .heads = {}};
  content.heads.reserve(static_cast<size_t>(root.heads_size()));
  for (const v1::AuditHead& each : root.heads()) {
    AuditChainHead& head = content.heads.emplace_back();
    const absl::StatusOr<Uuid> subject = Uuid::FromBytes(each.subject());
    if (!subject.ok() || each.link_hash().size() != head.link_hash.size()) {
      return BadEvidence("a signed root");
    }
    head.subject = *subject;
    head.seq = each.seq();
    std::copy(each.link_hash().begin(), each.link_hash().end(), head.link_hash.begin());
  }
  return content;
}

void AddAuditHead(const AuditChainHead& head, v1::AuditRoot& root) {
  v1::AuditHead& added = *root.add_heads();
  added.set_subject(std::string(head.subject.AsBytes()));
  added.set_seq(head.seq);
  added.set_link_hash(std::string(AsView(head.link_hash)));
}

}  // namespace tidemark::rpc
