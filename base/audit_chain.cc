#include "base/audit_chain.h"

#include <fmt/format.h>

#include "base/endian.h"

namespace tidemark {
namespace {

std::string Le64(int64_t value) {
  std::string bytes;
  AppendLe(bytes, value);
  return bytes;
}

}  // namespace

Sha256Digest AuditLinkHash(const AuditChainLink& link) {
  Sha256Stream digest;
  digest.Update(link.version == 1 ? "tidemark-audit-v1" : "tidemark-audit-v2");
  digest.Update(link.subject.AsBytes());
  digest.Update(Le64(link.seq));
  digest.Update(link.prev_hash);
  digest.Update(link.body_hash);
  if (link.version != 1) {
    digest.Update(Le64(link.version));
    digest.Update(link.study_id.AsBytes());
    digest.Update(Le64(link.recorded_at_us));
  }
  return digest.Finish();
}

// As version 1 hashes a link of number 0 with empty hashes, so that old chains go on.
Sha256Digest AuditChainBegin(const Uuid& subject) {
  AuditChainLink nothing;
  nothing.subject = subject;
  nothing.version = 1;
  return AuditLinkHash(nothing);
}

std::string AuditRootMessage(const Uuid& study, int32_t utc_day,
                             const std::vector<AuditChainHead>& heads) {
  Sha256Stream digest;
  for (const AuditChainHead& head : heads) {
    digest.Update(head.subject.AsBytes());
    digest.Update(Le64(head.seq));
    digest.Update(AsView(head.link_hash));
  }
  std::string message = "tidemark-audit-root-v1";
  message += study.AsBytes();
  AppendLe(message, utc_day);
  message += AsView(digest.Finish());
  return message;
}

void AuditChainChecker::Fault(const Uuid& subject, std::string what) {
  faults_.push_back(fmt::format("{}: {}", subject.ToString(), what));
}

void AuditChainChecker::Add(const AuditChainLink& link) {
  ++links_;
  const auto [found, is_new] = chains_.try_emplace(link.subject);
  Chain& chain = found->second;
  if (is_new) chain.next_prev = AuditChainBegin(link.subject);
  if (chain.broken) return;
  const auto expected_seq = static_cast<int64_t>(chain.hashes.size()) + 1;
  if (link.seq != expected_seq) {
    chain.broken = true;
    return Fault(link.subject,
                 fmt::format("link {} stands where {} should", link.seq, expected_seq));
  }
  if (link.prev_hash != AsView(chain.next_prev)) {
    chain.broken = true;
    return Fault(link.subject, fmt::format("link {} does not follow the one before it", link.seq));
  }
  chain.next_prev = AuditLinkHash(link);
  chain.hashes.push_back(chain.next_prev);
}

void AuditChainChecker::CheckBody(const AuditChainLink& link, std::string_view body) {
  if (link.body_hash != AsView(Sha256(body))) {
    Fault(link.subject,
          fmt::format("the body of link {} is not the one that was recorded", link.seq));
  }
}

void AuditChainChecker::CheckHead(int32_t utc_day, const AuditChainHead& head) {
  const auto found = chains_.find(head.subject);
  const size_t length = found == chains_.end() ? 0 : found->second.hashes.size();
  if (head.seq < 1 || static_cast<uint64_t>(head.seq) > length) {
    return Fault(head.subject, fmt::format("link {} was signed on day {} and is missing or follows "
                                           "a break",
                                           head.seq, utc_day));
  }
  if (found->second.hashes[static_cast<size_t>(head.seq) - 1] != head.link_hash) {
    Fault(head.subject,
          fmt::format("link {} is not the one that was signed on day {}", head.seq, utc_day));
  }
}

}  // namespace tidemark
