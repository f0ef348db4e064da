// The signed roots of the evidence, pure: how they are chained and checked (docs/adr/0023).
//
// Once a day the ends of all chains of a study are signed. The roots of a study are a chain of
// their own: each names the number and the hash of the one before it, among what is signed.
//
//   root 1 ◄── root 2 ◄── root 3      so that none but the newest can be taken away unseen
//     │          │          │
//   ends of all chains of links
//
// The first roots named none before them; they are the beginning of the chain all the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/audit_chain.h"

namespace tidemark {

// What one root says, as it is signed by AuditRootMessage (base/audit_chain.h).
struct AuditRootContent {
  int32_t utc_day = 0;
  // In order of subject. The chain of roots has the subject zero, so that the root before comes
  // first, with its number and hash; number 0 stands for none.
  std::vector<AuditChainHead> heads;

  // Null where the root is of the first form and names none.
  const AuditChainHead* RootBefore() const;
};

// What the next root names as the one before it.
struct AuditRootEnd {
  int64_t number = 0;  // 1, 2, 3, ...; 0 before the first one
  Sha256Digest hash{};
};
AuditRootEnd EndOfRoot(const Uuid& study, int64_t number, const AuditRootContent& root);
// As the first of the heads of the next root.
AuditChainHead HeadOfRootBefore(const AuditRootEnd& end);

// Walks the roots of a study, oldest first, after all links went through `chains`. A fault of a
// root does not hide those of the next ones.
class AuditRootChecker {
 public:
  // `chains` outlives this.
  AuditRootChecker(const Uuid& study, AuditChainChecker& chains) : study_(study), chains_(chains) {}

  // `is_signed(message)` says whether the signature that stands beside the root holds for it.
  void Add(const AuditRootContent& root,
           absl::FunctionRef<bool(std::string_view message)> is_signed);

  int64_t roots() const { return end_.number; }
  // Of the newest root; -1 before there is one.
  int32_t newest_day() const { return newest_day_; }
  // In words, oldest first; faults of the chains that roots found stand in `chains`.
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  void CheckRootBefore(const AuditRootContent& root);
  void CheckFirstForm(const AuditRootContent& root);

  const Uuid study_;
  AuditChainChecker& chains_;
  AuditRootEnd end_;
  bool is_chained_ = false;  // a root named the one before it: from here on all do
  int32_t newest_day_ = -1;
  std::vector<std::string> faults_;
};

// "2026-03-01"
std::string FormatUtcDay(int32_t utc_day);

}  // namespace tidemark
