// The hash chains of the evidence, pure: how links and daily roots are computed and checked.
//
//   link 1 ◄── link 2 ◄── link 3      each carries the hash of the link before it
//
// A chain alone does not show that its newest links were cut off. The daily root does: it is signed
// over the ends of all chains of a study (base/audit_roots.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/ids.h"

namespace tidemark {

// One row of the evidence, without its body.
struct AuditChainLink {
  Uuid subject;     // a participant, or a study
  int64_t seq = 0;  // 1, 2, 3, ...
  Uuid study_id;
  std::string prev_hash;  // 32 bytes
  std::string body_hash;  // SHA-256 of the body, 32 bytes
  int64_t recorded_at_us = 0;
  int version = 2;  // 1: links made before version 2, whose hash leaves study and time out
};

// What the next link carries as prev_hash.
Sha256Digest AuditLinkHash(const AuditChainLink& link);
// What the first link of a subject carries: binds the chain to it.
Sha256Digest AuditChainBegin(const Uuid& subject);

// The end of a chain.
struct AuditChainHead {
  Uuid subject;
  int64_t seq = 0;
  Sha256Digest link_hash{};
  friend bool operator==(const AuditChainHead&, const AuditChainHead&) = default;
};

// What is signed for a day: "tidemark-audit-root-v1" ‖ study ‖ day as int32 LE ‖ SHA-256 over
// subject ‖ seq as int64 LE ‖ link hash of each head, in order of subject.
std::string AuditRootMessage(const Uuid& study, int32_t utc_day,
                             const std::vector<AuditChainHead>& heads);

// Walks the links of many chains, each in order of its numbers, and remembers what broke.
class AuditChainChecker {
 public:
  // A chain that broke is reported once, at its first broken link; the others go on.
  void Add(const AuditChainLink& link);
  // The body of the link that was added last: whether it is the one that was hashed.
  void CheckBody(const AuditChainLink& link, std::string_view body);
  // A chain must contain the link that a signed root names as its end on that day.
  void CheckHead(int32_t utc_day, const AuditChainHead& head);

  uint64_t links() const { return links_; }
  size_t chains() const { return chains_.size(); }
  // In words, oldest first; empty if everything holds.
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  struct Chain {
    Sha256Digest next_prev{};
    std::vector<Sha256Digest> hashes;  // of links 1, 2, 3, ...
    bool broken = false;
  };
  void Fault(const Uuid& subject, std::string what);

  std::map<Uuid, Chain> chains_;
  uint64_t links_ = 0;
  std::vector<std::string> faults_;
};

}  // namespace tidemark
